"""Reads snapshots of sublinear and estimates the same numbers, with NumPy and the standard library; docs/format.md has the format.

    snapshot = load(open("users.bin", "rb").read())   # countSketch or amsSketch of width 1, heavyHitters
    estimate(snapshot, 12345)                         # the total of entry 12345
"""
import json, sys, numpy as np
P, TYPES = 2**61 - 1, {"F32": "<f4", "F64": "<f8", "U8": "u1", "U32": "<u4"}

def load(data):
    header = json.loads(data[8 : (body := 8 + int.from_bytes(data[:8], "little"))])
    at = lambda t: np.frombuffer(data[body:][slice(*t["data_offsets"])], TYPES[t["dtype"]]).reshape(t["shape"])
    return {"about": header.pop("__metadata__"), **{name: at(t) for name, t in header.items()}}

def philox(seed, c0, c1, c2, c3):
    k0, k1, low = seed & 0xFFFFFFFF, seed >> 32, 0xFFFFFFFF
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & low, (a >> 32) ^ c3 ^ k1, a & low
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return c0, c1, c2, c3

def polynomial(seed, stream, key, value=0):  # a cubic modulo P
    for j in (3, 2, 1, 0):
        words = (philox(seed, j, stream, attempt, 0x68610000) for attempt in range(99))
        value = (value * key + next(c for c in ((high >> 3) << 32 | low for low, high, _, _ in words) if c != P)) % P
    return value

def times(a, b, out=0):  # in GF(2)[x]/(x^64 + x^4 + x^3 + x + 1)
    for i in range(64): out ^= (a << i) * (b >> i & 1)
    for i in range(127, 63, -1): out ^= (0x1B << i - 64 | 1 << i) * (out >> i & 1)
    return out

def column(about, index):  # rows and entries of one column of the sketch matrix
    m, seed, kind = int(about["m"]), int(about["seed"]), about["matrix"]
    if kind == "count-sketch":
        t = polynomial(seed, 0x73700000, index) * 2 * m >> 61
        return np.array([t >> 1]), np.array([1.0 - 2 * (t & 1)])
    if kind != "ams": raise ValueError("no reader for " + kind)
    cube, signs = times(times(index, index), index), []
    for r in range(m):
        a0, a1, b0, b1 = philox(seed, r, 0, 0, 0x68640000)
        c = philox(seed, r >> 7, 1, 0, 0x68640000)[r >> 5 & 3] >> (r & 31)
        signs.append(1 - 2 * ((c & 1) + ((a1 << 32 | a0) & index).bit_count() + ((b1 << 32 | b0) & cube).bit_count() & 1))
    return np.arange(m), np.array(signs) * float(np.float32(m**-0.5))

def leaves(about, m, index):  # the five counters of an entry of heavyHitters, and its signs there
    n, k, epsilon, seed = int(about["n"]), int(about["k"]), float(about["epsilon"]), int(about["seed"])
    width, side, levels = int(np.ceil(4 * k / min(epsilon, 0.5))), int(np.ceil(np.sqrt(n))), 0
    count = -(-n // side) * side
    while levels == 0 or (count > width and -(-count // 16) >= width): levels, count = levels + 1, -(-count // 16)
    own, other, signs = [polynomial(seed, 0x73720000 + 8 + 2 * levels + i, index) for i in range(3)]
    digits = [own & 0xFFFFF, own >> 20 & 0xFFFFF, own >> 41, other & 0xFFFFF, other >> 20 & 0xFFFFF]
    rows = [m - (5 - r) * width + digit * width // 2**20 for r, digit in enumerate(digits)]
    return np.array(rows), np.array([1 - 2 * (signs >> 6 * levels + r & 1) for r in range(5)])

def estimate(snapshot, index):
    about, state = snapshot["about"], np.array(snapshot["state"], float).reshape(-1)
    is_sketch, whole = about["kind"] == "sketch", about["kind"] != "sketch" and len(state) == int(about["n"])
    held = enumerate(snapshot["buffer"].reshape(-1), int(about["first"])) if is_sketch else zip(snapshot["held-indices"], snapshot["held-changes"])
    if whole: return float(state[index] + sum(x for i, x in held if i == index))
    place = (lambda i: column(about, i)) if is_sketch else (lambda i: leaves(about, len(state), i))
    for i, x in held:
        rows, entries = place(int(i))
        state[rows] += entries * x
    rows, entries = place(index)
    return float(state[rows] @ entries if is_sketch else np.median(state[rows] * entries))

if __name__ == "__main__":  # read_sketch.py file index ...: an estimate a line
    for index in sys.argv[2:]: print(repr(estimate(load(open(sys.argv[1], "rb").read()), int(index))))
