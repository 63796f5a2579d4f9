"""The recruiter's console: one page at /recruiter, a module a tab."""
