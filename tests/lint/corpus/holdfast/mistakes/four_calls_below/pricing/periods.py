from datetime import datetime

from four_calls_below.tracing import traced


@traced
def is_peak() -> bool:
    return 8 <= datetime.now().hour < 20  # mistake: HF101
