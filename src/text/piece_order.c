#include "text/piece_order.h"

#include "base/error.h"

#include <stdbool.h>
#include <stdlib.h>

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

static uint32_t digit_of(uint32_t rank, unsigned shift)
{
    return rank >> shift & (DIGITS - 1);
}

/* One pass of a radix sort: from[count] to to[count], by one digit of the rank. Returns false, and does nothing, when
 * the digit is the same everywhere. */
static bool sort_by_digit(const uint32_t *ranks, const int32_t *from, int32_t *to, size_t count, unsigned shift)
{
    size_t begins[DIGITS] = {0}, begin = 0;

    for (size_t i = 0; i < count; i++)
        begins[digit_of(ranks[i], shift)]++;
    if (begins[digit_of(ranks[0], shift)] == count)
        return false;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        const size_t size = begins[digit];
        begins[digit] = begin;
        begin += size;
    }
    for (size_t i = 0; i < count; i++)
        to[begins[digit_of(ranks[from[i]], shift)]++] = from[i];
    return true;
}

int quern_piece_order_by_id(struct quern_piece_order *order, size_t count, quern_error *error)
{
    order->ids = malloc(count * sizeof *order->ids);
    order->places = malloc(count * sizeof *order->places);
    if (order->ids == NULL || order->places == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", count);
    for (size_t i = 0; i < count; i++) {
        order->ids[i] = (int32_t)i;
        order->places[i] = 2 * (uint32_t)i;
    }
    return QUERN_OK;
}

int quern_piece_order_new(struct quern_piece_order *order, const uint32_t *ranks, size_t count, quern_error *error)
{
    QUERN_TRY(quern_piece_order_by_id(order, count, error));
    int32_t *spare = (int32_t *)order->places; /* until the places are known */
    for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
        if (sort_by_digit(ranks, order->ids, spare, count, shift)) {
            int32_t *sorted = spare;
            spare = order->ids;
            order->ids = sorted;
        }
    }
    order->places = (uint32_t *)spare;
    for (size_t i = 0; i < count; i++) {
        const uint32_t rank = ranks[order->ids[i]];
        const bool alike = (i > 0 && ranks[order->ids[i - 1]] == rank) ||
                           (i + 1 < count && ranks[order->ids[i + 1]] == rank);
        order->places[i] = 2 * (uint32_t)i + alike;
    }
    return QUERN_OK;
}

void quern_piece_order_finish(struct quern_piece_order *order)
{
    free(order->places);
    order->places = NULL;
}

void quern_piece_order_free(struct quern_piece_order *order)
{
    free(order->ids);
    free(order->places);
    *order = (struct quern_piece_order){0};
}
