#!/usr/bin/env python3
"""Reads .npy, .npz and .safetensors files without this library: what file-mutants.mjs compares it with.

    read_files.py seeds npy|npz|safetensors      files of that format, as frames
    read_files.py read  npy|npz|safetensors      frames in; a JSON line for each: null where it is refused, else
                                                 [[name, dtype, shape, CRC-32 of the little endian, row-major bytes], ...]

A frame is a length of four bytes, little endian, and so many bytes. Standard library alone; where NumPy and the safetensors package are there, a
file is also refused when they refuse it, and their numbers must be the same.
"""
import ast
import io
import json
import math
import re
import struct
import sys
import warnings
import zipfile
import zlib

try:
    import numpy
except ImportError:
    numpy = None
try:
    import safetensors
except ImportError:
    safetensors = None

warnings.simplefilter("ignore")
NPY = {"f2": 2, "f4": 4, "f8": 8, "i1": 1, "i2": 2, "i4": 4, "i8": 8, "u1": 1, "u2": 2, "u4": 4, "u8": 8, "b1": 1, "V2": 2}
BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16, "I8": 8, "U8": 8, "BOOL": 8}
OTHER = {"C64": 64, "F8_E4M3": 8, "F8_E4M3FNUZ": 8, "F8_E5M2": 8, "F8_E5M2FNUZ": 8, "F8_E8M0": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4}


class Refused(Exception):
    pass


def need(holds):
    if not holds:
        raise Refused


def quiet(kind, raw):
    """A NaN of 16 bits as a quiet one, as this library gives it back: float16 without its payload, bfloat16 with it."""
    if kind not in ("f2", "V2", "F16", "BF16"):
        return raw
    out = bytearray(raw)
    for at in range(0, len(out), 2):
        bits = out[at] | out[at + 1] << 8
        if kind in ("f2", "F16") and bits & 0x7FFF > 0x7C00:
            bits = bits & 0x8000 | 0x7E00
        elif kind in ("V2", "BF16") and bits & 0x7FFF > 0x7F80:
            bits |= 0x40
        out[at], out[at + 1] = bits & 255, bits >> 8
    return bytes(out)


def read_npy(data):
    """One array: [dtype, shape, CRC-32]."""
    need(data[:6] == b"\x93NUMPY" and len(data) >= 10 and data[6] in (1, 2, 3) and data[7] == 0)
    start = 10 if data[6] == 1 else 12
    need(len(data) >= start)
    (length,) = struct.unpack("<H" if data[6] == 1 else "<I", data[8:start])
    need(length <= len(data) - start)
    text = data[start : start + length].decode("latin1" if data[6] < 3 else "utf-8")
    try:
        header = ast.literal_eval(text)
    except SyntaxError:
        need(data[6] < 3)
        header = ast.literal_eval(re.sub(r"(\d)L\b", r"\1", text).rstrip())
    need(isinstance(header, dict) and header.keys() == {"descr", "fortran_order", "shape"})
    descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    need(isinstance(descr, str) and isinstance(fortran, bool) and isinstance(shape, tuple))
    need(all(type(n) is int and 0 <= n < 2**53 for n in shape) and descr[:1] in "<>|=" and descr[1:] in NPY)
    width = NPY[descr[1:]]
    raw = data[start + length :]
    need(math.prod(shape) * width == len(raw))
    cells = [raw[at : at + width][:: -1 if descr[0] == ">" else 1] for at in range(0, len(raw), width)]
    if fortran:
        cells = [cells[column_place(shape, i)] for i in range(len(cells))]
    ordered = b"".join(cells)
    if numpy is not None:
        try:
            array = numpy.load(io.BytesIO(data), allow_pickle=False)
        except Exception:
            raise Refused
        need(array.shape == shape)
        same = array if array.dtype.kind == "V" else array.astype(array.dtype.newbyteorder("<"))
        need(same.tobytes("C") == ordered)
    need(descr[1:] != "b1" or set(raw) <= {0, 1})
    return ["bf2" if descr[1:] == "V2" else descr[1:], list(shape), zlib.crc32(quiet(descr[1:], ordered))]


def column_place(shape, place):
    """Where entry `place` of row-major order lies in column-major order."""
    at, index = 0, []
    for n in reversed(shape):
        index.append(place % n)
        place //= n
    for n, i in zip(reversed(shape), index):
        at = at * n + i
    return at


def read_npz(data):
    found = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        need(len(set(names)) == len(names))
        for name in names:
            if name.endswith(".npy"):
                found.append([name[:-4], *read_npy(archive.read(name))])
    if numpy is not None:
        try:
            with numpy.load(io.BytesIO(data), allow_pickle=False) as arrays:
                for name, _, shape, _ in found:
                    need(list(arrays[name].shape) == shape)
        except Refused:
            raise
        except Exception:
            raise Refused
    return found


def once(pairs):
    need(len({name for name, _ in pairs}) == len(pairs))
    return dict(pairs)


def read_safetensors(data):
    need(len(data) >= 10)
    (length,) = struct.unpack("<Q", data[:8])
    need(length <= min(len(data) - 8, 100_000_000) and data[8:9] == b"{")
    header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=once)
    metadata = header.pop("__metadata__", {})
    need(isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values()))
    found, spans = [], []
    for name, entry in header.items():
        need(isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"})
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        need(isinstance(dtype, str) and (dtype in BITS or dtype in OTHER) and isinstance(shape, list) and isinstance(offsets, list))
        need(all(type(n) is int and 0 <= n < 2**64 for n in [*shape, *offsets]) and len(offsets) == 2)
        bits = math.prod(shape) * {**BITS, **OTHER}[dtype]
        need(bits % 8 == 0 and bits // 8 == offsets[1] - offsets[0])
        spans.append(tuple(offsets))
        raw = data[8 + length :][offsets[0] : offsets[1]]
        need(dtype != "BOOL" or set(raw) <= {0, 1})
        found.append([name, dtype, shape, zlib.crc32(quiet(dtype, raw)) if dtype in BITS else 0])
    at = 0
    for begin, end in sorted(spans):
        need(begin == at)
        at = end
    need(at == len(data) - 8 - length)
    if safetensors is not None:
        try:
            official = {name: value for name, value in safetensors.deserialize(data)}
        except Exception:
            raise Refused
        need(official.keys() == header.keys())
        for name, dtype, shape, _ in found:
            need(official[name]["shape"] == shape and official[name]["dtype"] == dtype)
            begin, end = header[name]["data_offsets"]
            need(bytes(official[name]["data"]) == data[8 + length :][begin:end])
    return found


READERS = {"npy": lambda data: [["", *read_npy(data)]], "npz": read_npz, "safetensors": read_safetensors}


def npy(descr, shape, fortran=False, version=1, long=False):
    """A file whose numbers are small: bytes that are 0 and 1 but for the last of each number."""
    width, count = NPY[descr[1:]], math.prod(shape)
    raw = bytes(i % 2 if width == 1 else (i * 7) % 251 for i in range(count * width))
    axes = str(shape) if not long else re.sub(r"(\d+)", r"\1L", str(shape))
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {axes}, }}"
    start = 10 if version == 1 else 12
    text = text.ljust(-(start + len(text) + 1) % 64 + len(text)) + "\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text.encode() + raw


def seeds(format):
    arrays = [npy(f"{'|' if NPY[kind] == 1 or kind == 'V2' else order}{kind}", shape, fortran, version, long)
              for kind in NPY for order, shape, fortran, version, long in
              [("<", (2, 3), False, 1, False), (">", (2, 3), True, 2, False), ("<", (2, 1, 2), False, 1, True), ("<", (5,), False, 3, False)]]
    if format == "npy":
        return arrays
    if format == "npz":
        made = []
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            for force in (False, True):
                for few in (arrays[:1], arrays[4:7], [arrays[0], arrays[20], arrays[33]]):
                    out = io.BytesIO()
                    with zipfile.ZipFile(out, "w", method) as archive:
                        for i, data in enumerate(few):
                            with archive.open(zipfile.ZipInfo("qkv"[i] + ".npy"), "w", force_zip64=force) as file:
                                file.write(data)
                        for info in archive.filelist:
                            info.compress_type = method
                    made.append(out.getvalue())
                    out = io.BytesIO()
                    with zipfile.ZipFile(out, "w", method) as archive:
                        for i, data in enumerate(few):
                            archive.writestr("qkv"[i] + ".npy", data)
                        archive.comment = b"more" if force else b""
                    made.append(out.getvalue())
        return made
    made = []
    for names in (["F32"], ["F64", "BOOL", "F4"], ["I64", "C64", "BF16", "F8_E4M3"], ["F16", "U8", "I8", "U16", "F6_E2M3"]):
        header, raw = {"__metadata__": {"by": "é"}}, b""
        for name in names:
            size = 8 * {**BITS, **OTHER}[name] // 8
            header["t" + name.lower()] = {"dtype": name, "shape": [2, 4], "data_offsets": [len(raw), len(raw) + size]}
            raw += bytes(i % 2 if name == "BOOL" else (i * 11) % 251 for i in range(size))
        text = json.dumps(header, ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        made.append(struct.pack("<Q", len(text)) + text + raw)
    return made


def main():
    todo, format = sys.argv[1:3]
    out = sys.stdout.buffer
    if todo == "seeds":
        for data in seeds(format):
            out.write(struct.pack("<I", len(data)) + data)
        return
    given = sys.stdin.buffer.read()
    at = 0
    while at < len(given):
        (length,) = struct.unpack("<I", given[at : at + 4])
        data = given[at + 4 : at + 4 + length]
        at += 4 + length
        try:
            answer = READERS[format](data)
        except Exception:
            answer = None
        out.write(json.dumps(answer).encode() + b"\n")


main()
