// Arithmetic on vectors.

export function dot(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i++)
        sum += a[i] * b[i];
    return sum;
}

export function cosine(a, b) {
    return dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
}

// The largest eigenvalue of a symmetric matrix and its vector, by power iteration from a fixed start.
function eigen(matrix) {
    let vector = matrix.map((_, i) => Math.sin(i + 1));
    let value = 0;
    for (let turn = 0; turn < 300; turn++) {
        const next = matrix.map((row) => dot(row, vector));
        const length = Math.sqrt(dot(next, next));
        if (length < 1e-12)
            return { value: 0, vector: vector.fill(0) };
        next.forEach((x, i) => { next[i] = x / length; });
        const done = Math.abs(length - value) <= 1e-10 * length;
        value = length;
        vector = next;
        if (done)
            break;
    }
    return { value, vector };
}

// Principal components: the plane in which the vectors differ most. Returns [x, y] of each vector, and the share of the
// variance that the plane shows. Computed from the products of the vectors, as there are fewer vectors than dimensions.
export function plane(vectors) {
    const count = vectors.length;
    const mean = vectors[0].map((_, d) => vectors.reduce((sum, vector) => sum + vector[d], 0) / count);
    const centred = vectors.map((vector) => vector.map((x, d) => x - mean[d]));
    const gram = centred.map((a) => centred.map((b) => dot(a, b)));
    const whole = gram.reduce((sum, row, i) => sum + row[i], 0);
    const points = vectors.map(() => []);
    let shown = 0;
    for (let axis = 0; axis < 2; axis++) {
        const { value, vector } = eigen(gram);
        points.forEach((point, i) => point.push(vector[i] * Math.sqrt(value)));
        gram.forEach((row, i) => row.forEach((_, j) => { row[j] -= value * vector[i] * vector[j]; }));
        shown += value;
    }
    return { points, shown: whole ? shown / whole : 1 };
}
