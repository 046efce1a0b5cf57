"""What every script needs that has nbclient or papermill run notebooks."""


def start_again(execute):
    """Executes, and again where another process took a port of the kernel's:
    jupyter_client looks for free ports and gives them away before the kernel
    has them. No cell has run then."""
    for left in reversed(range(5)):
        try:
            return execute()
        except RuntimeError as e:
            if not left or "Kernel died before replying" not in str(e):
                raise
