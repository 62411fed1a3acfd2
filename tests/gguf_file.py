"""Reads GGUF files with Python's struct module alone."""
import struct

NUMBERS = {0: 'B', 1: 'b', 2: 'H', 3: 'h', 4: 'I', 5: 'i', 6: 'f', 7: '?', 10: 'Q', 11: 'q', 12: 'd'}
STRING, ARRAY = 8, 9
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 8: (32, 34), 30: (1, 2)}  # elements and bytes, by type of tensors
F32, BF16 = 0, 30


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form, count=1):
        form = '<%d%s' % (count, form)
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return list(values)

    def number(self, form):
        return self.take(form)[0]

    def string(self):
        length = self.number('Q')
        self.at += length
        return self.data[self.at - length:self.at].decode('utf-8', 'surrogateescape')

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.number(NUMBERS[kind])
        element, count = self.number('I'), self.number('Q')
        return [self.string() for _ in range(count)] if element == STRING else self.take(NUMBERS[element], count)


def read(path):
    """(keys: {name: value}, tensors: {name: (type, shape as GGUF has it, bytes)})"""
    with open(path, 'rb') as file:
        reader = Reader(file.read())
    assert reader.take('s', 4) == [b'GGUF'] and reader.number('I') == 3
    tensor_count, key_count = reader.take('Q', 2)
    keys = {}
    for _ in range(key_count):
        name = reader.string()
        keys[name] = reader.value(reader.number('I'))
    infos = [(reader.string(), reader.take('Q', reader.number('I')), reader.number('I'), reader.number('Q'))
             for _ in range(tensor_count)]
    start, tensors = (reader.at + 31) // 32 * 32, {}
    for name, shape, kind, offset in infos:
        elements, size = BLOCKS[kind]
        count = 1
        for length in shape:
            count *= length
        begin = start + offset
        tensors[name] = (kind, shape, reader.data[begin:begin + count // elements * size])
    return keys, tensors
