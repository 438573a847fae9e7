"""``python -m lgprof``."""

from lgprof.cli import main

if __name__ == "__main__":
    main()
