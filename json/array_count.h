/* The number of elements of an array, for the command and the server. */
#ifndef QUERN_JSON_ARRAY_COUNT_H
#define QUERN_JSON_ARRAY_COUNT_H

#define QUERN_COUNT(array) (sizeof(array) / sizeof *(array))

#endif
