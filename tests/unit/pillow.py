#!/usr/bin/env python3
"""usage: tests/unit/pillow.py FOLDER > tests/unit/pillow.h

What Pillow makes of the pictures of tests/unit/pictures.h, which `test_picture FOLDER` writes:
each a part of it, resized to 3 x 3 pixels by Image.resize(BILINEAR); of Pillow 10.4, whose
resizing is in integers.
"""
import pathlib
import sys

from PIL import Image

print("/* Made by tests/unit/pillow.py: name of the picture, 3 x 3 pixels in hexadecimal. */")
print("#ifndef TESTS_PILLOW_H\n#define TESTS_PILLOW_H\n")
print("static const struct {\n    const char *name, *pixels;\n} pillow[] = {")
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    image = Image.open(path).convert("RGB")
    i = int(path.stem.rsplit("_", 1)[1])
    box = (i, i // 2, image.width - i // 3, image.height - i)
    small = image.crop(box).resize((3, 3), Image.BILINEAR)
    print(f'    {{"{path.stem}", "{small.tobytes().hex()}"}},')
print("};\n\n#endif")
