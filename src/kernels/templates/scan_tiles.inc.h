/* Rows of bytes of an index against many queries, on tiles. A template; it comes after scan.inc.h, and after
 * gemm_bfloat16.inc.h, which says what a tile is. A table's source file defines
 *
 *   TILE_DOT_BYTES(t, a, b)   tile t, [16][16] whole numbers of 32 bits, += the product of tile a, [16 rows][64 k] of
 *                             signed bytes, and tile b, [16 fours of k][16 columns][4] of unsigned bytes
 *
 * Queries are tiles a and groups of rows are tiles b just as they lie in memory: nothing is unpacked or moved. */
static_assert(QUERN_SCAN_ROWS == TILE_LINES && QUERN_SCAN_MULTIPLE == TILE_LINE_BYTES, "a group is a column of tiles");

/* Sixteen queries. */
struct scan_queries {
    const int8_t *codes;  /* [16][length] */
    const int32_t *start; /* [16][16]: where the sums with each row begin */
    int32_t *sums;        /* with the first row, then `stride` numbers further for each query */
};

/* Two groups against two times 16 queries. Tiles 0 to 3 hold the sums, 4 and 5 the queries, 6 and 7 the rows. The
 * second group begins `second` bytes after the first one: directly behind it, or it is the same. The two groups that
 * follow are prefetched if ahead is true. */
static void scan_tiled_block(const struct scan_queries q[2], size_t stride, const uint8_t *from, size_t second,
                             size_t length, bool ahead)
{
    const size_t line = TILE_LINE_BYTES, sums_line = stride * sizeof(int32_t);
    const size_t column = second == 0 ? 0 : QUERN_SCAN_ROWS;
    TILE_LOAD(0, q[0].start, line);
    TILE_LOAD(1, q[0].start, line);
    TILE_LOAD(2, q[1].start, line);
    TILE_LOAD(3, q[1].start, line);
    for (size_t k = 0; k < length; k += TILE_LINE_BYTES, from += TILE_BYTES) {
        TILE_LOAD(4, q[0].codes + k, length);
        TILE_LOAD(6, from, line);
        TILE_DOT_BYTES(0, 4, 6);
        TILE_LOAD(7, from + second, line);
        TILE_DOT_BYTES(1, 4, 7);
        TILE_LOAD(5, q[1].codes + k, length);
        TILE_DOT_BYTES(2, 5, 6);
        TILE_DOT_BYTES(3, 5, 7);
        for (size_t i = 0; i < (ahead ? TILE_BYTES : 0); i += TILE_LINE_BYTES) {
            PREFETCH(from + 2 * second + i);
            PREFETCH(from + 3 * second + i);
        }
    }
    TILE_STORE(0, q[0].sums, sums_line);
    TILE_STORE(1, q[0].sums + column, sums_line);
    TILE_STORE(2, q[1].sums, sums_line);
    TILE_STORE(3, q[1].sums + column, sums_line);
}

/* All groups against at most SCAN_BATCH queries, and at least 16. Where less is left than a block takes, it takes some
 * queries, or a group, that another block has had, too: the results are the same. */
static void scan_tiled_batch(int32_t *sums, size_t stride, const uint8_t *groups, size_t group_count, size_t length,
                             const int8_t *queries, size_t count)
{
    const size_t group_bytes = length * QUERN_SCAN_ROWS, last = count - TILE_LINES;
    int32_t start[SCAN_BATCH][TILE_LINES];
    for (size_t i = 0; i < count; i++) {
        const vi repeated = vi_set(scan_start(queries + i * length, length));
        memcpy(start[i], &repeated, sizeof repeated);
    }
    for (size_t g = 0; g < group_count; g += 2) {
        const size_t second = g + 1 < group_count ? group_bytes : 0;
        for (size_t i = 0; i < count; i += 2 * TILE_LINES) {
            struct scan_queries q[2];
            for (size_t n = 0; n < 2; n++) {
                const size_t first = i + n * TILE_LINES < last ? i + n * TILE_LINES : last;
                q[n] = (struct scan_queries){queries + first * length, start[first],
                                             sums + first * stride + g * QUERN_SCAN_ROWS};
            }
            scan_tiled_block(q, stride, groups + g * group_bytes, second, length, i == 0);
        }
    }
}

/* As scan.bytes of struct quern_scan. Fewer queries than a tile has lines are left to vectors, which are as fast as
 * memory then. */
static void scan_bytes_tiled(int32_t *sums, size_t stride, const uint8_t *groups, size_t group_count, size_t length,
                             const int8_t *queries, size_t count)
{
    if (count < TILE_LINES) {
        scan_bytes(sums, stride, groups, group_count, length, queries, count);
        return;
    }
    for (size_t done = 0; done < count; done += SCAN_BATCH) {
        const size_t first = count - done < TILE_LINES ? count - TILE_LINES : done;
        const size_t batch = count - first < SCAN_BATCH ? count - first : SCAN_BATCH;
        scan_tiled_batch(sums + first * stride, stride, groups, group_count, length, queries + first * length, batch);
    }
}
