/* The clock that divides the time of a pass among its parts. */
#include "base/clock.h"
#include "engine/engine.h"

void quern_engine_lap(struct quern_engine *engine, enum quern_pass_part part)
{
    if (engine->part_ns == NULL)
        return;
    const uint64_t now = (uint64_t)quern_now_ns();
    engine->part_ns[part] += now - engine->lap_ns;
    engine->lap_ns = now;
}
