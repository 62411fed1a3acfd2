"""What a training step learns from: batches of pairs, one kind at a time, as token ids."""
import numpy as np

from data import BOS, DEV_KINDS, EOS, MADE, NUMBERS, VIEWS, Tokenizer

SHORT = 64          # tokens at most of a text whose numbers are changed


class Pairs:
    """Batches of pairs, one kind at a time."""

    def __init__(self, work, mix, seed):
        with np.load(work / 'pairs.npz') as z:
            self.ids, self.offsets = z['ids'].astype(np.int64), z['offsets']
            self.kinds = {k: z['pairs-' + k] for k in mix if k not in MADE}
            self.texts = z['views']
        with np.load(work / 'hard.npz') as z:
            self.hard = {k: z[k] for k in DEV_KINDS}
        self.answers = np.concatenate([self.kinds[k] for k in DEV_KINDS])
        pieces = Tokenizer(work).pieces
        self.opens = np.array([p[0] == '\u2581' for p in pieces])
        self.digits = np.array([pieces.index(d) for d in '0123456789'])
        has = np.add.reduceat(np.isin(self.ids, self.digits), self.offsets[:-1]) > 0
        length = np.diff(self.offsets)
        numbered = self.texts[has[self.texts] & (length[self.texts] <= SHORT)]
        self.made_of = {VIEWS: self.texts, NUMBERS: numbered}
        count = np.bincount(self.ids, minlength=len(self.opens)) + 1
        self.rarity = np.log(count.sum() / count)
        self.rng = np.random.default_rng(seed)
        self.mix, self.waiting = list(mix), {k: [] for k in mix}
        share = np.array(list(mix.values()))
        self.share = share / share.sum()

    def batch_size(self, kind, tokens, limit=64):
        """Pairs of a kind that have about so many tokens, when none of a text but its first `limit` are taken."""
        length = np.minimum(np.diff(self.offsets), limit)
        rows = self.made_of[kind][:, None] if kind in MADE else self.kinds[kind][:, :2]
        pair = length[rows].sum(1).mean() * (1.3 if kind in self.hard else 1)   # the negatives' share
        return int(np.clip(tokens / pair, 128, 320))

    def text(self, i):
        return self.ids[self.offsets[i]:self.offsets[i + 1]]

    def tokens(self, index, limit):
        """Ids of texts, between BOS and EOS; of a longer one its beginning, or any part."""
        out = []
        for i in index:
            t = self.text(i)
            if len(t) > limit:
                first = self.rng.integers(1, len(t) - limit + 2) if self.rng.random() < 0.5 else 1
                t = np.concatenate(([BOS], t[first:first + limit - 2], [EOS]))
            out.append(t)
        return out

    def words(self, t):
        """Where the words of a text begin, and its end."""
        inner = t[1:-1]
        start = np.flatnonzero(self.opens[inner])
        if len(start) == 0 or start[0] != 0:
            start = np.concatenate(([0], start))
        return inner, np.append(start, len(inner))

    def rarities(self, inner, start):
        """The share of each word's square of its rarest token's rarity."""
        rare = np.maximum.reduceat(self.rarity[inner], start[:-1]) ** 2
        return rare / rare.sum()

    def query(self, i):
        """A few words of a text as a query: a run of them, or some picked for their rarity, in order."""
        rng = self.rng
        inner, start = self.words(self.text(i))
        n = len(start) - 1
        k = min(n, int(rng.integers(2, 9)))
        if rng.random() < 0.4:
            first = rng.integers(0, n - k + 1)
            chosen = range(first, first + k)
        else:
            chosen = np.sort(rng.choice(n, k, replace=False, p=self.rarities(inner, start)))
        return np.concatenate([[BOS]] + [inner[start[w]:start[w + 1]] for w in chosen] + [[EOS]])

    def part(self, i, limit):
        """A text less a quarter of its words."""
        inner, start = self.words(self.text(i))
        keep = np.repeat(self.rng.random(len(start) - 1) >= 0.25, np.diff(start))
        inner = inner[keep][:limit - 2] if keep.any() else inner[:limit - 2]
        return np.concatenate(([BOS], inner, [EOS]))

    def views(self, size, limit):
        rows = self.made(VIEWS, size)
        return rows, [self.query(i) for i in rows[:, 3]] + [self.part(i, limit) for i in rows[:, 3]]

    def numbers(self, size, limit):
        """Two parts of a text that has numbers, and the second with other numbers."""
        rows = self.made(NUMBERS, size)
        first = [self.part(i, limit) for i in rows[:, 3]]
        second = [self.part(i, limit) for i in rows[:, 3]]
        third = []
        for t in second:
            at = np.flatnonzero(np.isin(t, self.digits))
            t = t.copy()
            t[at] = self.rng.choice(self.digits, len(at))
            third.append(t)
        return rows, first + second + third

    def made(self, kind, size):
        rows = np.full((size, 7), -1, np.int32)
        rows[:, 3] = rows[:, 4] = self.rng.choice(self.made_of[kind], size, replace=False)
        return rows

    def epoch(self, kind, size):
        """Batches of row numbers. In every other epoch a batch comes from one source: harder negatives."""
        rows = self.kinds[kind]
        order = self.rng.permutation(len(rows))
        if self.rng.random() < 0.5:
            order = order[np.argsort(rows[order, 6], kind='stable')]
        cut = [order[i:i + size] for i in range(0, len(order), size)]
        self.rng.shuffle(cut := [c for c in cut if len(c) > size // 8])
        return cut

    def batch(self, sizes):
        """kind, rows [n, 7], negatives [m, 2] of a batch; sizes[kind] is n.

        The columns of rows: text a, text b, text neg or -1, key of a, key of b, label or -1, source.
        """
        kind = self.rng.choice(self.mix, p=self.share)
        if kind in MADE:
            return kind, None, None
        if not self.waiting[kind]:
            self.waiting[kind] = self.epoch(kind, sizes[kind])
        at = self.waiting[kind].pop()
        return kind, self.kinds[kind][at], self.negatives(kind, at)

    def negatives(self, kind, at):
        """Rows [m, 2] of texts that answer none of the batch's a: text, key."""
        if kind in self.hard:
            found = self.hard[kind][at, self.rng.integers(self.hard[kind].shape[1], size=len(at))]
            return self.answers[found[found >= 0]][:, [1, 4]]
        given = self.kinds[kind][at, 2]
        given = given[given >= 0]
        return np.stack((given, -2 - given), 1)
