"""usage: archive.py KIND FILE     a .tar.gz for tests/cli/fetch.bats: "good", or a hostile one."""
import gzip
import io
import random
import sys
import tarfile

BYTES = 300000  # of the large file, which no compression makes smaller


def add(archive, name, data=b"", **fields):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    for field, value in fields.items():
        setattr(entry, field, value)
    archive.addfile(entry, io.BytesIO(data))


def good(archive):
    add(archive, "toy", type=tarfile.DIRTYPE, mode=0o755)
    add(archive, "toy/large.bin", random.Random(1).randbytes(BYTES))
    add(archive, "toy/sub/small.txt", b"small\n")


def absolute(archive):
    good(archive)
    add(archive, "/tmp/repro-fetch-was-here", b"out")


def dotdot(archive):
    good(archive)
    add(archive, "toy/../../../out", b"out")


def symlink(archive):
    good(archive)
    add(archive, "toy/way", type=tarfile.SYMTYPE, linkname="../../..")
    add(archive, "toy/way/out", b"out")


def hardlink(archive):
    good(archive)
    add(archive, "toy/link", type=tarfile.LNKTYPE, linkname="/etc/passwd")


def device(archive):
    good(archive)
    add(archive, "toy/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)


def fifo(archive):
    good(archive)
    add(archive, "toy/pipe", type=tarfile.FIFOTYPE)


def twice(archive):
    good(archive)
    add(archive, "toy/large.bin", b"again")


def huge(archive):
    good(archive)
    entry = tarfile.TarInfo("toy/huge")
    entry.size = 1 << 40
    archive.fileobj.write(entry.tobuf(tarfile.GNU_FORMAT))


def bomb(archive):
    good(archive)
    add(archive, "toy/zeros", bytes(2000000))


def many(archive):
    good(archive)
    for i in range(100):
        add(archive, f"toy/{i}")


def elsewhere(archive):
    add(archive, "other/file", b"not in the folder\n")


def large(archive):
    """Larger than its archive: what a limit on files stops while it is unpacked."""
    good(archive)
    add(archive, "toy/zeros", bytes(900000))


def main():
    kind, path = sys.argv[1:]
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        globals()["good" if kind == "cut" else kind](archive)
    packed = gzip.compress(plain.getvalue(), mtime=0)
    with open(path, "wb") as file:
        file.write(packed[:-1000] if kind == "cut" else packed)


main()
