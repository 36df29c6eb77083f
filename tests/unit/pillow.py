#!/usr/bin/env python3
"""usage: tests/unit/pillow.py FOLDER > tests/unit/pillow.h

What Pillow makes of the pictures of tests/unit/pictures.h, which `test_picture FOLDER` writes, each
as 3 x 3 pixels by Image.resize(BILINEAR): a part of it; the central 87.5 % of its sides; and the
same of the picture turned by ImageOps.exif_transpose().  Of Pillow 10.4, whose resizing is in
integers.
"""
import pathlib
import sys

from PIL import Image, ImageOps


def small(image, box):
    return image.crop(box).resize((3, 3), Image.BILINEAR).tobytes().hex()


def central(image):
    x, y = image.width // 16, image.height // 16
    return small(image, (x, y, image.width - x, image.height - y))


print("/* Made by tests/unit/pillow.py: 3 x 3 pixels in hexadecimal, of the pictures by name. */")
print("/* clang-format off */")
print("#ifndef TESTS_PILLOW_H\n#define TESTS_PILLOW_H\n")
print("static const struct {\n    const char *name;")
print("    const char *part; /* empty: the picture is too small */")
print("    const char *row, *turned;\n} pillow[] = {")
for path in sorted(pathlib.Path(sys.argv[1]).iterdir(), key=lambda path: path.stem):
    file = Image.open(path)
    image, turned = file.convert("RGB"), ImageOps.exif_transpose(file).convert("RGB")
    i = int(path.stem.rsplit("_", 1)[1])
    box = (i, i // 2, image.width - i // 3, image.height - i)
    part = small(image, box) if box[0] < box[2] and box[1] < box[3] else ""
    print(f'    {{"{path.stem}",')
    print(f'     "{part}",\n     "{central(image)}",\n     "{central(turned)}"}},')
print("};\n\n#endif")
