"""Where candidates meet the assistant: the chat and the small server it runs in."""

import os

# Gradio reads this when it is imported, so it has to be said before any module of ours imports it:
# a company's careers chat reports to nobody.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
