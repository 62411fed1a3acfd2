/* The verbs of the program wire. Each returns the exit status: 0, 1 for a failure, 2 for wrong usage. */
#ifndef QUERN_WIRE_H
#define QUERN_WIRE_H

int quern_wire_cases(int argc, char **argv);
int quern_wire_hostile(int argc, char **argv);
int quern_wire_load(int argc, char **argv);

#endif
