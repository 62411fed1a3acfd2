/* The number of elements of an array. Not for pointers: gcc warns of a pointer here (-Wsizeof-pointer-div). */
#ifndef QUERN_COUNT_H
#define QUERN_COUNT_H

#define QUERN_COUNT(array) (sizeof(array) / sizeof *(array))

#endif
