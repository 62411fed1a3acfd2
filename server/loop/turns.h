/* Turns of the loop: exchanges with more work than one slice get one slice after the other, in a circle, and one slice
 * between two looks at the sockets. So the loop is held for one slice, however many exchanges have work. Large waste is
 * freed in the same way. */
#ifndef QUERN_SERVER_TURNS_H
#define QUERN_SERVER_TURNS_H

#include <event2/event.h>
#include <stdbool.h>

/* A place in the queue. Starts as zero, with take and owner. */
struct quern_turn {
    void (*take)(void *owner); /* called once for each quern_turns_add */
    void *owner;
    bool is_queued;
    struct quern_turn *before, *after;
};

struct quern_turns {
    struct event *event;
    struct quern_turn *first, *last;
};

/* False: no memory. */
bool quern_turns_init(struct quern_turns *turns, struct event_base *base);

/* Takes all turns that are left first. */
void quern_turns_free(struct quern_turns *turns);

/* Queues a turn behind all others; removes it. Neither minds if it is done already. */
void quern_turns_add(struct quern_turns *turns, struct quern_turn *turn);
void quern_turns_remove(struct quern_turns *turns, struct quern_turn *turn);

#endif
