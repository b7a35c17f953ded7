"""Word lists, one file a family of sites; `terms.py` compiles them. A row is (field[:trust], terms parted by `|`)."""
