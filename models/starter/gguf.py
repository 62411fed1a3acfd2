"""GGUF, as much of it as the starter needs: matrices in Q8_0, vectors in F32.

Values are written by their Python type: bool, int (u32), float (f32), str, lists of str, numpy arrays (f32, i32).
"""
import struct

import numpy as np

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TENSOR_F32, TENSOR_Q8_0 = 0, 8
ALIGN, BLOCK, BLOCK_BYTES = 32, 32, 34


def q8_0(x):
    """ggml's rounding: per block of 32, scale = max/127 kept as half; quotients by the unrounded scale, half away from 0."""
    b = np.ascontiguousarray(x, np.float32).reshape(-1, BLOCK)
    scale = np.abs(b).max(1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale > 0)
    q = b * inverse
    q = np.trunc(q + np.copysign(np.float32(0.5), q)).astype(np.int8)
    return np.concatenate((scale.astype('<f2').view(np.uint8), q.view(np.uint8)), 1).tobytes()


def from_q8_0(raw, shape):
    b = np.frombuffer(raw, np.uint8).reshape(-1, BLOCK_BYTES)
    scale = np.ascontiguousarray(b[:, :2]).view('<f2').astype(np.float32)
    return (scale * b[:, 2:].view(np.int8)).reshape(shape)


def text(s):
    s = s if isinstance(s, bytes) else s.encode()
    return struct.pack('<Q', len(s)) + s


def value(v):
    """Type and bytes of a metadata value."""
    if isinstance(v, bool):
        return BOOL, struct.pack('<B', v)
    if isinstance(v, int):
        return U32, struct.pack('<I', v)
    if isinstance(v, float):
        return F32, struct.pack('<f', v)
    if isinstance(v, str):
        return STRING, text(v)
    if isinstance(v, list):
        return ARRAY, struct.pack('<IQ', STRING, len(v)) + b''.join(map(text, v))
    kind = {'float32': F32, 'int32': I32}[v.dtype.name]
    return ARRAY, struct.pack('<IQ', kind, len(v)) + v.tobytes()


def padding(size):
    return b'\0' * (-size % ALIGN)


def write(path, metadata, tensors):
    """tensors: name -> float32 array; its last axis is the row."""
    out = [struct.pack('<IIQQ', 0x46554747, 3, len(tensors), len(metadata))]
    for key, v in metadata.items():
        kind, raw = value(v)
        out.append(text(key) + struct.pack('<I', kind) + raw)
    data, offset = [], 0
    for name, x in tensors.items():
        kind, raw = (TENSOR_Q8_0, q8_0(x)) if x.ndim == 2 else (TENSOR_F32, x.astype('<f4').tobytes())
        out.append(text(name) + struct.pack(f'<I{x.ndim}QIQ', x.ndim, *reversed(x.shape), kind, offset))
        data += [raw, padding(len(raw))]
        offset += len(raw) + len(data[-1])
    out.append(padding(sum(map(len, out))))
    with open(path, 'wb') as f:
        f.writelines(out + data)


class Reader:
    """Reads back the tensors of a file written by write()."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.raw = f.read()
        self.at = 0

    def take(self, layout):
        out = struct.unpack_from('<' + layout, self.raw, self.at)
        self.at += struct.calcsize('<' + layout)
        return out[0] if len(out) == 1 else out

    def bytes(self):
        n = self.take('Q')
        self.at += n
        return self.raw[self.at - n:self.at]

    def skip_value(self):
        kind = self.take('I')
        if kind == STRING:
            self.bytes()
        elif kind == ARRAY:
            kind, n = self.take('IQ')
            if kind == STRING:
                for _ in range(n):
                    self.bytes()
            else:
                self.at += 4 * n
        else:
            self.at += 1 if kind == BOOL else 4

    def tensors(self):
        _, _, n_tensors, n_keys = self.take('IIQQ')
        for _ in range(n_keys):
            self.bytes()
            self.skip_value()
        found = []
        for _ in range(n_tensors):
            name, axes = self.bytes().decode(), self.take('I')
            shape = [self.take('Q') for _ in range(axes)][::-1]
            found.append((name, shape, *self.take('IQ')))
        data = self.at + len(padding(self.at))
        out = {}
        for name, shape, kind, offset in found:
            n, at = int(np.prod(shape)), data + offset
            if kind == TENSOR_Q8_0:
                out[name] = from_q8_0(self.raw[at:at + n // BLOCK * BLOCK_BYTES], shape)
            else:
                out[name] = np.frombuffer(self.raw, '<f4', n, at)
        return out
