/* A step allocates nothing after the first: every heap call of this process is counted while three
 * steps run.  The program's own definitions come before libc's in symbol search, for plugins and
 * their libraries too.
 *
 * oneDNN puts a primitive's arguments into a hash table at every dnnl_primitive_execute() and has
 * no call that does without.  OpenBLAS takes a buffer for a small product where its kernels are
 * those for AVX-512.  What a library allocates in such a call is counted apart, and must be given
 * back there: as many frees as allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphs.h"
#include "guard.h"
#include "subject.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CALLERS_MAX 65536

static atomic_int counting;
static atomic_long calls;
static atomic_long library_calls, library_frees; /* within a library's call */
/* within dnnl_primitive_execute(): its threads work in there too, and nobody else meanwhile */
static atomic_int in_library;
static _Thread_local int in_product;     /* within cblas_sgemm(), which is one thread's */
static const void *callers[CALLERS_MAX]; /* return addresses, in the order of the calls */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTED 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static void count_one(const void *caller)
{
    if (!atomic_load(&counting))
        return;
    if (atomic_load(&in_library) || in_product) {
        atomic_fetch_add(&library_calls, 1);
        return;
    }
    long call = atomic_fetch_add(&calls, 1);
    if (call < CALLERS_MAX)
        callers[call] = caller;
}

void *malloc(size_t size)
{
    count_one(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    count_one(__builtin_return_address(0));
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    count_one(__builtin_return_address(0));
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    count_one(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count_one(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

void free(void *memory)
{
    if ((atomic_load(&in_library) || in_product) && memory != NULL && atomic_load(&counting))
        atomic_fetch_add(&library_frees, 1);
    __libc_free(memory);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    count_one(__builtin_return_address(0));
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *out = memory;
    return 0;
}
#else
#define COUNTED 0
#endif

/* Found before the library's own by the plugin, and passed on to it. */
int dnnl_primitive_execute(const void *primitive, void *stream, int count, const void *args);

int dnnl_primitive_execute(const void *primitive, void *stream, int count, const void *args)
{
    static int (*real)(const void *, void *, int, const void *);
    if (real == NULL) {
        const char *const names[] = {"libdnnl.so.2", "libdnnl.so.3"};
        for (int i = 0; i < 2 && real == NULL; i++) {
            void *library = dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD);
            void *symbol = library == NULL ? NULL : dlsym(library, "dnnl_primitive_execute");
            memcpy(&real, &symbol, sizeof real);
        }
    }
    atomic_store(&in_library, 1);
    int status = real(primitive, stream, count, args);
    atomic_store(&in_library, 0);
    return status;
}

typedef void sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                   const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
static sgemm *real_sgemm; /* found by the first call, in device_open: steps call it from several
                             threads */

sgemm cblas_sgemm;

static void find_sgemm(void)
{
    const char *const names[] = {"libopenblas.so.0", "libopenblaso.so.0", "libopenblasp.so.0"};
    for (int i = 0; i < 3 && real_sgemm == NULL; i++) {
        void *library = dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD);
        void *symbol = library == NULL ? NULL : dlsym(library, "cblas_sgemm");
        memcpy(&real_sgemm, &symbol, sizeof real_sgemm);
    }
}

void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                 const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    if (real_sgemm == NULL)
        find_sgemm();
    in_product = 1;
    real_sgemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    in_product = 0;
}

static void one_step(struct trial *trial, int64_t update)
{
    struct repro_step step = {.struct_size = sizeof step,
                              .optimizer = REPRO_OPTIMIZER_MOMENTUM,
                              .lr = 0.01,
                              .momentum = 0.9,
                              .update = update,
                              .keep = 0.9,
                              .ghosts = 2};
    struct repro_error error = {0};
    subject_zero(trial->compiled);
    trial->rows.mode = REPRO_MODE_TRAIN;
    trial->rows.count = trial->micro;
    subject_forward(trial->compiled, &trial->rows);
    subject_backward(trial->compiled, 1.0 / (double)trial->micro);
    subject_update(trial->compiled, &step);
    trial->rows.mode = REPRO_MODE_EVAL;
    trial->rows.count = trial->micro - 1;
    subject_forward(trial->compiled, &trial->rows);
    subject_metrics(trial->compiled);
    subject_done(subject.backend.net_sync(trial->compiled, &error), &error);
}

/* Fails when there was a call, naming the library that made the first. */
static void judge(long counted)
{
    Dl_info from;
    if (counted != 0)
        fail_msg("three steps made %ld heap calls, the first from %s", counted,
                 dladdr(callers[0], &from) != 0 ? from.dli_fname : "an unknown place");
}

static void count_steps(struct trial *trial)
{
    trial_fill(trial, 1);
    trial_load(trial, trial->compiled);
    one_step(trial, 1);
    atomic_store(&calls, 0);
    atomic_store(&library_calls, 0);
    atomic_store(&library_frees, 0);
    atomic_store(&counting, 1);
    for (int64_t update = 2; update <= 4; update++)
        one_step(trial, update);
    atomic_store(&counting, 0);
    long counted = atomic_load(&calls), library = atomic_load(&library_calls),
         given_back = atomic_load(&library_frees);
    trial_end(trial);
    judge(counted);
    if (library != 0)
        print_message("# the library itself: %ld allocations in three steps, %ld given back\n",
                      library, given_back);
    assert_true(library == given_back);
}

static void need_counting(void)
{
    subject_need();
    if (!COUNTED) {
        print_message("# heap calls can be counted on glibc without a sanitizer only\n");
        skip();
    }
    find_sgemm();
}

/* A counter that counts nothing would pass. */
static void counter_counts(void **state)
{
    (void)state;
    need_counting();
    atomic_store(&calls, 0);
    atomic_store(&counting, 1);
    void *volatile memory = malloc(1);
    void *volatile aligned = aligned_alloc(64, 64);
    atomic_store(&counting, 0);
    assert_true(atomic_load(&calls) == 2);
    free(memory);
    free(aligned);
}

/* A plugin's own calls are seen as well: compiling allocates. */
static void plugin_is_counted(void **state)
{
    struct trial trial;
    (void)state;
    need_counting();
    trial_without_backend(&trial, &graph_cases[0]);
    trial_fill(&trial, 1);
    atomic_store(&calls, 0);
    atomic_store(&counting, 1);
    trial.compiled = trial_compile(&trial, subject.device);
    atomic_store(&counting, 0);
    assert_true(atomic_load(&calls) > 0);
    trial_end(&trial);
}

static void wide_residual_net(void **state)
{
    struct trial trial;
    (void)state;
    need_counting();
    trial_of_name(&trial, "wrn-10-1", 32, 10, 16, 8);
    count_steps(&trial);
}

static void inception_net(void **state)
{
    struct trial trial;
    (void)state;
    need_counting();
    trial_of_name(&trial, "inception-resnet-v2-16-10", 75, 10, 4, 2);
    count_steps(&trial);
}

/* The last case of graphs.h holds every op. */
static void every_op(void **state)
{
    struct trial trial;
    (void)state;
    need_counting();
    trial_of_case(&trial, &graph_cases[graph_case_count - 1]);
    count_steps(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counter_counts),
                                       cmocka_unit_test(plugin_is_counted),
                                       cmocka_unit_test(wide_residual_net),
                                       cmocka_unit_test(inception_net), cmocka_unit_test(every_op)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("heap", tests, subject_open, subject_close);
}
