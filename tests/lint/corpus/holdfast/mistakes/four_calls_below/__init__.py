"""HF101: the clock is read four calls and three modules below the workflow, behind a re-export, a wrapper and an object."""
