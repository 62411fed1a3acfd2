#include "keep_alive.h"

#include "array_count.h"
#include "body.h"

#include <stdlib.h>
#include <string.h>

/* Takes a number without sign or exponent. False: there is none. */
static bool take_number(const char **at, double *number)
{
    static const char digits[] = "0123456789";
    const size_t whole = strspn(*at, digits), part = (*at)[whole] == '.' ? 1 + strspn(*at + whole + 1, digits) : 0;
    char copy[32];
    if (whole + part == 0 || (whole == 0 && part == 1) || whole + part >= sizeof copy)
        return false;
    memcpy(copy, *at, whole + part);
    copy[whole + part] = '\0';
    *number = strtod(copy, NULL);
    *at += whole + part;
    return true;
}

/* The seconds of the unit at *at, which is taken; 0: there is none. */
static double take_unit(const char **at)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"\xc2\xb5s", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
    for (size_t i = 0; i < QUERN_COUNT(units); i++)
        if (strncmp(*at, units[i].name, strlen(units[i].name)) == 0) {
            *at += strlen(units[i].name);
            return units[i].seconds;
        }
    return 0;
}

static bool read_duration(const char *text, double *seconds)
{
    const bool is_negative = text[0] == '-';
    const char *at = text + (text[0] == '-' || text[0] == '+');
    double sum = 0, number;
    do {
        if (!take_number(&at, &number))
            return false;
        const double unit = take_unit(&at);
        if (unit == 0 && (*at != '\0' || sum > 0))
            return false;
        sum += number * (unit > 0 ? unit : 1);
    } while (*at != '\0');
    *seconds = is_negative ? -1 : sum;
    return true;
}

bool quern_keep_alive_read(struct quern_request *request)
{
    const struct quern_value *value = quern_body_field(request->object, "keep_alive");
    struct quern_request_options *options = &request->options;
    if (value == NULL)
        return true;
    options->has_keep = true;
    if (quern_value_is(value, QUERN_VALUE_INTEGER) || quern_value_is(value, QUERN_VALUE_NUMBER)) {
        const double seconds = quern_value_number(value);
        options->keep_s = seconds < 0 ? -1 : seconds;
        return true;
    }
    const char *duration = quern_value_string(value);
    return (duration != NULL && read_duration(duration, &options->keep_s)) ||
           quern_refuse(request, QUERN_FAULT_VALUE, "keep_alive",
                        "keep_alive must be a number of seconds, or a duration such as \"5m\" or \"1h30m\"");
}
