"""What the company has said: sources read into pages, postings and passages, stored and searched."""

import os

# Hugging Face's libraries, of which Gradio uses one, read this when they are imported: a model that is not on the
# machine must fail, not be fetched.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# NumPy's products are small here, and whoever waits for a second thread to help waits longest when all are busy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
