"""`python -m nliexplorer`, and `accelerate launch -m nliexplorer train ...`."""

from nliexplorer.cli import main

if __name__ == "__main__":
    main()
