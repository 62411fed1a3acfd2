#include "refusal.h"

#include "array_count.h"

#include <stddef.h>

static const struct {
    int status;
    bool is_temporary;
} table[] = {
    [QUERN_FAULT_NONE] = {200, false},          [QUERN_FAULT_REQUEST] = {400, false},
    [QUERN_FAULT_FIELD] = {400, false},         [QUERN_FAULT_EMPTY] = {400, false},
    [QUERN_FAULT_VALUE] = {400, false},         [QUERN_FAULT_TOO_LONG] = {400, false},
    [QUERN_FAULT_TOKEN_IDS] = {400, false},     [QUERN_FAULT_MANY] = {400, false},
    [QUERN_FAULT_KEY] = {401, false},           [QUERN_FAULT_FORBIDDEN] = {403, false},
    [QUERN_FAULT_MODEL] = {404, false},         [QUERN_FAULT_ROUTE] = {404, false},
    [QUERN_FAULT_METHOD] = {405, false},        [QUERN_FAULT_SLOW] = {408, true},
    [QUERN_FAULT_NO_LENGTH] = {411, false},     [QUERN_FAULT_BODY] = {413, false},
    [QUERN_FAULT_TYPE] = {415, false},          [QUERN_FAULT_EXPECTATION] = {417, false},
    [QUERN_FAULT_BUSY] = {429, true},           [QUERN_FAULT_HEAD] = {431, false},
    [QUERN_FAULT_INTERNAL] = {500, false},      [QUERN_FAULT_DRAINING] = {503, true},
    [QUERN_FAULT_DEADLINE] = {503, false},      [QUERN_FAULT_TARGET] = {414, false},
    [QUERN_FAULT_CODING] = {501, false},        [QUERN_FAULT_UNAVAILABLE] = {503, true},
    [QUERN_FAULT_VERSION] = {505, false},
};

int quern_fault_status(enum quern_fault fault)
{
    return table[fault].status;
}

enum quern_fault quern_status_fault(int status)
{
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        if (table[i].status == status)
            return (enum quern_fault)i;
    return QUERN_FAULT_INTERNAL;
}

bool quern_fault_is_temporary(enum quern_fault fault)
{
    return table[fault].is_temporary;
}
