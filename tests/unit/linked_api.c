/* The example of escapement.h, in C: what a C compiler makes of the header, and that it does what it says. */

#include <escapement.h>
#include <pthread.h>

static escapement_mutex* machine;
static escapement_condition* changed;
static unsigned interrupts;
static unsigned delivered;

static void* emulate(void* place) {
    escapement_participant* const cpu = place;
    if (escapement_enter(cpu) != ESCAPEMENT_OK) return NULL;
    while (delivered < 100) {
        if (escapement_advance(escapement_budget()) != ESCAPEMENT_OK) return NULL;
        if (escapement_mutex_lock(machine) != ESCAPEMENT_OK) return NULL;
        while (interrupts == delivered)
            escapement_condition_wait(changed, machine);
        ++delivered;
        escapement_condition_signal(changed);
        escapement_mutex_unlock(machine);
    }
    return escapement_leave(cpu) == ESCAPEMENT_OK ? place : NULL;
}

/* The cpu's clock in the end; 0 if anything failed. */
uint64_t escapement_test_c_example(int mode);
uint64_t escapement_test_c_example(int mode) {
    escapement_options options;
    escapement_domain* domain;
    escapement_participant* main_loop;
    escapement_participant* cpu;
    pthread_t thread;
    void* result = NULL;
    uint64_t clock;
    int ready;
    escapement_options_init(&options);
    options.mode = mode;
    options.quantum = 1000;
    if (escapement_domain_create(&options, &domain) != ESCAPEMENT_OK) return 0;
    escapement_admit(domain, "main", &main_loop);
    escapement_admit(domain, "cpu", &cpu);
    escapement_mutex_create(domain, "machine", &machine);
    escapement_condition_create(domain, NULL, &changed);
    interrupts = delivered = 0;
    pthread_create(&thread, NULL, emulate, cpu);
    escapement_enter(main_loop);
    while (interrupts < 100) {
        if (escapement_poll(NULL, 0, 5000, &ready) != ESCAPEMENT_TIMED_OUT) return 0;
        escapement_mutex_lock(machine);
        ++interrupts;
        escapement_condition_signal(changed);
        while (interrupts != delivered)
            escapement_condition_wait(changed, machine);
        escapement_mutex_unlock(machine);
    }
    if (escapement_join(cpu) != ESCAPEMENT_OK) return 0;
    clock = escapement_clock();
    escapement_leave(main_loop);
    pthread_join(thread, &result);
    escapement_condition_destroy(changed);
    escapement_mutex_destroy(machine);
    return escapement_domain_destroy(domain) == ESCAPEMENT_OK && result == cpu ? clock : 0;
}
