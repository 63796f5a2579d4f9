"""What the company has said: sources read into pages, postings and passages, stored and searched."""
