"""What Candor says: it understands a candidate's question, decides, and answers with quotes."""
