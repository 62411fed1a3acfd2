// Arithmetic on vectors. What takes long awaits rest() after each piece; see slices.js.

export function dot(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i++)
        sum += a[i] * b[i];
    return sum;
}

export function cosine(a, b) {
    return dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
}

// The cosines of all pairs, as rows. They are the products of the vectors when these have length 1, so all that follows
// can be computed from them.
export async function cosines(vectors, rest) {
    const lengths = vectors.map((vector) => Math.sqrt(dot(vector, vector)) || 1);
    const rows = vectors.map(() => new Float64Array(vectors.length));
    for (let i = 0; i < vectors.length; i++) {
        for (let j = 0; j <= i; j++)
            rows[i][j] = rows[j][i] = dot(vectors[i], vectors[j]) / (lengths[i] * lengths[j]);
        await rest();
    }
    return rows;
}

// The largest eigenvalue of a symmetric matrix and its vector, by power iteration from a fixed start.
async function eigen(matrix, rest) {
    let vector = Float64Array.from(matrix, (_, i) => Math.sin(i + 1));
    let value = 0;
    for (let turn = 0; turn < 300; turn++) {
        const next = Float64Array.from(matrix, (row) => dot(row, vector));
        const length = Math.sqrt(dot(next, next));
        if (length < 1e-12)
            return { value: 0, vector: vector.fill(0) };
        const done = Math.abs(length - value) <= 1e-10 * length;
        value = length;
        vector = next.map((x) => x / length);
        if (done)
            break;
        await rest();
    }
    return { value, vector };
}

// The cosines of vectors from which their mean was taken.
function centre(rows) {
    const means = rows.map((row) => row.reduce((sum, x) => sum + x, 0) / rows.length);
    const whole = means.reduce((sum, x) => sum + x, 0) / rows.length;
    return rows.map((row, i) => row.map((x, j) => x - means[i] - means[j] + whole));
}

// Principal components: the plane in which the vectors with these cosines differ most. Returns [x, y] of each vector,
// and the share of the variance that the plane shows.
export async function plane(rows, rest) {
    const products = centre(rows);
    const points = rows.map(() => []);
    const whole = products.reduce((sum, row, i) => sum + row[i], 0);
    let shown = 0;
    for (let axis = 0; axis < 2; axis++) {
        const { value, vector } = await eigen(products, rest);
        points.forEach((point, i) => point.push(vector[i] * Math.sqrt(value)));
        products.forEach((row, i) => row.forEach((_, j) => { row[j] -= value * vector[i] * vector[j]; }));
        shown += value;
    }
    return { points, shown: whole > 1e-9 ? shown / whole : 1 };
}
