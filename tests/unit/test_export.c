/* Records byte for byte, tensors' frames that lie, templates. */
#include "base/err.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "export/export.h"
#include "export/megatron.h"
#include "export/records.h"

#include "backend/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* RFC 3720, B.4, and the check value of CRC catalogues. */
static void crc_known(void **state)
{
    unsigned char bytes[32] = {0};
    (void)state;
    assert_int_equal(records_crc("123456789", 9), 0xe3069283u);
    assert_int_equal(records_crc("", 0), 0);
    assert_int_equal(records_crc(bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(records_crc(bytes, sizeof bytes), 0x62a8ab43u);
    for (unsigned char i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    assert_int_equal(records_crc(bytes, sizeof bytes), 0x46dd794eu);
    assert_int_equal(records_masked(0x8000u), 0xa282ead9u); /* bit 15 comes to bit 0 */
}

static uint64_t little(const char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes; i-- > 0;)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* The frame around `size` bytes that stand in *wanted. */
static void framed(const struct text *file, size_t begin, const unsigned char *wanted, size_t size)
{
    assert_true(file->size >= begin + 12 + size + 4);
    const char *at = file->bytes + begin;
    assert_int_equal(little(at, 8), size);
    assert_int_equal(little(at + 8, 4), records_masked(records_crc(at, 8)));
    assert_memory_equal(at + 12, wanted, size);
    assert_int_equal(little(at + 12 + size, 4), records_masked(records_crc(at + 12, size)));
}

/* Worked out by hand from event.proto and summary.proto; 1.5 is 3ff8... as a double. */
static void events_by_hand(void **state)
{
    static const unsigned char version[] = "\x09\0\0\0\0\0\0\xf8\x3f\x1a\x0d"
                                           "brain.Event:2";
    static const unsigned char scalars[] = "\x09\0\0\0\0\0\0\xf8\x3f"
                                           "\x10\xac\x02" /* step 300 */
                                           "\x2a\x15"     /* summary, 21 bytes */
                                           "\x0a\x08\x0a\x01"
                                           "a\x15\0\0\x80\x3f" /* a: 1.0f */
                                           "\x0a\x09\x0a\x02"
                                           "bc\x15\0\0\0\xc0"; /* bc: -2.0f */
    struct text file = {0};
    (void)state;
    records_put_version(&file, 1.5);
    records_put_scalars(&file, 1.5, 300, (const struct records_scalar[]){{"a", 1.0}, {"bc", -2.0}},
                        2);
    assert_false(file.failed);
    framed(&file, 0, version, sizeof version - 1);
    framed(&file, 16 + sizeof version - 1, scalars, sizeof scalars - 1);
    assert_int_equal(file.size, 32 + sizeof version - 1 + sizeof scalars - 1);
    text_release(&file);
}

/* ---- Tensors ---- */

static void refused(const char *header, const char *name, const char *says)
{
    struct err none = {0};
    char *bytes = mem_new(512, 1, &none); /* file's from the opening on */
    uint64_t length = (strlen(header) + 7) / 8 * 8;
    struct safetensors file = {0};
    struct err err = {0};
    int64_t shape[SAFETENSORS_RANK_MAX];
    const float *values = NULL;
    int rank;
    memcpy(bytes, &length, sizeof length);
    memset(bytes + 8, ' ', length);
    memcpy(bytes + 8, header, strlen(header));
    int code = safetensors_open("f", bytes, 8 + length + 16, &file, &err);
    if (code == 0)
        code = safetensors_floats(&file, "f", name, shape, &rank, &values, &err);
    assert_int_equal(code, ERR_INPUT);
    assert_null(values);
    if (strstr(err.text, says) == NULL)
        fail_msg("'%s' lacks '%s'", err.text, says);
    safetensors_release(&file);
}

/* Of 16 bytes of data. */
static void lying_frames(void **state)
{
    (void)state;
    refused("{", "a", "f: damaged header");
    refused("{}", "a", "f: has no tensor 'a'");
    static const char *const entries[] = {
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,20]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[0,20]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4]}}",
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        refused(entries[i], "a", "f: damaged: what it says of the tensor 'a' cannot be");
}

static void cut_frames(void **state)
{
    struct safetensors file = {0};
    struct err err = {0};
    uint64_t length = 16;
    (void)state;
    for (size_t size = 7; size <= 8; size++) {
        char *bytes = mem_new(8, 1, &err);
        memcpy(bytes, &length, sizeof length);
        assert_int_equal(safetensors_open("f", bytes, size, &file, &err), ERR_INPUT);
        assert_non_null(strstr(err.text, "f: cut short or no safetensors file; "));
        assert_null(file.bytes);
    }
}

/* ---- Templates and options ---- */

static void templates(void **state)
{
    struct err err = {0};
    char *out = NULL;
    (void)state;
    assert_int_equal(export_fill("a @X@ b", "@X@", "1", "t", &out, &err), 0);
    assert_string_equal(out, "a 1 b");
    mem_free(out);
    out = NULL;
    assert_int_equal(export_fill("a b", "@X@", "1", "t", &out, &err), ERR_INPUT);
    assert_int_equal(export_fill("@X@ @X@", "@X@", "1", "t", &out, &err), ERR_INPUT);
    assert_string_equal(err.text, "exports/t: '@X@' does not stand in it once");
    assert_null(out);
}

/* What Megatron-LM has no words for. */
static void wordless(void **state)
{
    struct schedule schedule = {.optimizer = REPRO_OPTIMIZER_NESTEROV,
                                .train_n = 100,
                                .epochs = 1,
                                .phase_count = 1,
                                .phase = {{0, 1, 10, 0.1, 0.9, 10, 10, 10, 0}}};
    struct export_plan plan = {.name = "p", .title = "P", .schedule = &schedule};
    struct err err = {0};
    char *text = NULL;
    (void)state;
    assert_int_equal(export_megatron(&plan, &text, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "p: Megatron-LM has no option for Nesterov momentum"));
    schedule.optimizer = REPRO_OPTIMIZER_MOMENTUM;
    schedule.conventions.keep_last_batch = 1;
    assert_int_equal(export_megatron(&plan, &text, &err), ERR_INPUT);
    schedule.conventions = (struct schedule_conventions){.reset_moments = 1};
    assert_int_equal(export_megatron(&plan, &text, &err), ERR_INPUT);
    assert_null(text);
    schedule.conventions.reset_moments = 0;
    assert_int_equal(export_megatron(&plan, &text, &err), 0);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_known),    cmocka_unit_test(events_by_hand),
        cmocka_unit_test(lying_frames), cmocka_unit_test(cut_frames),
        cmocka_unit_test(templates),    cmocka_unit_test(wordless),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
