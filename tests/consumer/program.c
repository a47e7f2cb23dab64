/* Two threads that meet at a mutex: the one with the lesser clock goes first. Prints who came when, at which
 * clock. */
#include <escapement.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

enum { rounds = 3 };

static escapement_mutex* machine;

struct place {
    const char* name;
    uint64_t step;
    escapement_participant* participant;
};

static void* work(void* argument) {
    const struct place* const place = argument;
    escapement_enter(place->participant);
    for (int round = 0; round < rounds; ++round) {
        escapement_advance(place->step);
        escapement_mutex_lock(machine);
        printf("%s %" PRIu64 "\n", place->name, escapement_clock());
        escapement_mutex_unlock(machine);
    }
    escapement_leave(place->participant);
    return NULL;
}

static int check(int status) {
    if (status != ESCAPEMENT_OK) fprintf(stderr, "%s\n", escapement_message(status));
    return status;
}

int main(void) {
    escapement_options options;
    escapement_options_init(&options);
    escapement_domain* domain = NULL;
    if (check(escapement_domain_create(&options, &domain)) != 0) return 1;
    struct place places[] = {{"slow", 500, NULL}, {"quick", 200, NULL}};
    pthread_t threads[2];
    for (int number = 0; number < 2; ++number)
        if (check(escapement_admit(domain, places[number].name, &places[number].participant)) != 0) return 1;
    if (check(escapement_mutex_create(domain, "machine", &machine)) != 0) return 1;
    for (int number = 0; number < 2; ++number)
        if (pthread_create(&threads[number], NULL, work, &places[number]) != 0) return 1;
    for (int number = 0; number < 2; ++number)
        pthread_join(threads[number], NULL);
    escapement_mutex_destroy(machine);
    return check(escapement_domain_destroy(domain));
}
