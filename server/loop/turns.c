#include "turns.h"

#include <stddef.h>

/* An event of no time is due when the loop has looked at the sockets again. */
static void wake(struct quern_turns *turns)
{
    static const struct timeval at_once = {0, 0};
    event_add(turns->event, &at_once);
}

static void on_turn(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_turns *turns = argument;
    struct quern_turn *turn = turns->first;
    (void)descriptor;
    (void)what;
    if (turn == NULL)
        return;
    quern_turns_remove(turns, turn);
    if (turns->first != NULL)
        wake(turns);
    turn->take(turn->owner);
}

bool quern_turns_init(struct quern_turns *turns, struct event_base *base)
{
    turns->event = evtimer_new(base, on_turn, turns);
    return turns->event != NULL;
}

void quern_turns_free(struct quern_turns *turns)
{
    while (turns->first != NULL) {
        struct quern_turn *turn = turns->first;
        quern_turns_remove(turns, turn);
        turn->take(turn->owner);
    }
    if (turns->event != NULL)
        event_free(turns->event);
    turns->event = NULL;
}

void quern_turns_add(struct quern_turns *turns, struct quern_turn *turn)
{
    if (turn->is_queued)
        return;
    turn->is_queued = true;
    turn->before = turns->last;
    turn->after = NULL;
    if (turns->last != NULL)
        turns->last->after = turn;
    else
        turns->first = turn;
    turns->last = turn;
    wake(turns);
}

void quern_turns_remove(struct quern_turns *turns, struct quern_turn *turn)
{
    if (!turn->is_queued)
        return;
    turn->is_queued = false;
    if (turn->before != NULL)
        turn->before->after = turn->after;
    else
        turns->first = turn->after;
    if (turn->after != NULL)
        turn->after->before = turn->before;
    else
        turns->last = turn->before;
}
