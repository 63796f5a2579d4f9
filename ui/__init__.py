"""Where candidates meet the assistant: the chat and the small server it runs in."""

import os

import knowledge  # noqa: F401  (says, before Gradio is imported, that no model is fetched)

# Gradio reads this when it is imported, so it has to be said before any module of ours imports it:
# a company's careers chat reports to nobody.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
# Even with monitoring shut, Gradio keeps times of the last 10,000 calls and sums them up at each one.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)
