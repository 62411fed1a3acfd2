#include "accept.h"

#include <string.h>
#include <strings.h>

/* How much a client likes a type. */
struct liking {
    int quality;   /* 0 to 1000; -1: no range fits */
    int exactness; /* of the range that says so: 0 for any type, 1 for a main type, 2 for the type itself */
    int place;     /* of that range among all */
};

/* A part of a list: text up to end, without spaces around it. */
struct part {
    const char *text;
    size_t length;
};

/* Takes the next part of a list, up to a separator outside of quotes. False: there is none. */
static bool take(const char **at, const char *end, char separator, struct part *part)
{
    const char *begin = *at, *stop = begin;
    bool is_quoted = false;
    if (begin == NULL)
        return false;
    for (; stop < end && (is_quoted || *stop != separator); stop++)
        if (is_quoted && *stop == '\\' && stop + 1 < end)
            stop++;
        else if (*stop == '"')
            is_quoted = !is_quoted;
    *at = stop < end ? stop + 1 : NULL;
    while (begin < stop && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (stop > begin && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
    *part = (struct part){begin, (size_t)(stop - begin)};
    return true;
}

/* Thousandths; a quality that is no number from 0 to 1 counts as 1. */
static int read_quality(struct part value)
{
    int quality = 0, unit = 1000;
    if (value.length == 0 || value.length > 5 || (value.text[0] != '0' && value.text[0] != '1') ||
        (value.length > 1 && value.text[1] != '.'))
        return 1000;
    for (size_t i = 0; i < value.length; i += i == 0 ? 2 : 1, unit /= 10) {
        if (value.text[i] < '0' || value.text[i] > '9')
            return 1000;
        quality += (value.text[i] - '0') * unit;
    }
    return quality < 1000 ? quality : 1000;
}

/* The quality that stands among the parameters of a range. */
static int find_quality(const char *at, const char *end)
{
    struct part part;
    while (take(&at, end, ';', &part))
        if (part.length >= 2 && (part.text[0] == 'q' || part.text[0] == 'Q') && part.text[1] == '=')
            return read_quality((struct part){part.text + 2, part.length - 2});
    return 1000;
}

/* How exactly a range names a type; -1: it does not fit. */
static int exactness(struct part range, const char *type)
{
    const size_t length = strlen(type), main = (size_t)(strchr(type, '/') - type) + 1;
    if (range.length == length && strncasecmp(range.text, type, length) == 0)
        return 2;
    if (range.length == main + 1 && range.text[main] == '*' && strncasecmp(range.text, type, main) == 0)
        return 1;
    return range.length == 3 && memcmp(range.text, "*/*", 3) == 0 ? 0 : -1;
}

static struct liking find_liking(const struct quern_head *head, const char *type)
{
    struct liking best = {.quality = -1, .exactness = -1};
    int place = 0;
    for (int i = 0; i < head->field_count; i++) {
        const char *at = strcmp(head->fields[i].name, "accept") == 0 ? head->fields[i].value : NULL,
                   *end = at != NULL ? at + strlen(at) : NULL;
        for (struct part part, range; take(&at, end, ',', &part); place++) {
            const char *inside = part.text, *stop = part.text + part.length;
            take(&inside, stop, ';', &range);
            const int exact = exactness(range, type);
            if (exact > best.exactness)
                best = (struct liking){find_quality(inside, stop), exact, place};
        }
    }
    return best;
}

static bool is_better(struct liking a, struct liking b)
{
    if (a.quality != b.quality)
        return a.quality > b.quality;
    if (a.exactness != b.exactness)
        return a.exactness > b.exactness;
    return a.place < b.place;
}

int quern_accept_best(const struct quern_head *head, const char *const *types, int count)
{
    int best = -1;
    struct liking most = {.quality = 0};
    if (quern_head_find(head, "accept") == NULL)
        return 0;
    for (int i = 0; i < count; i++) {
        const struct liking liking = find_liking(head, types[i]);
        if (liking.quality > 0 && (best < 0 || is_better(liking, most))) {
            best = i;
            most = liking;
        }
    }
    return best;
}
