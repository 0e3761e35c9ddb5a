/* What a test claims: the first claim that is not so ends its program, and is printed. */
#ifndef SLUICE_CHECK_H
#define SLUICE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(claim)                                                                       \
    do {                                                                                   \
        if (!(claim)) {                                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);            \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

#endif
