#include "base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

void digest_bytes(const void *bytes, size_t size, uint64_t seed, char digest[DIGEST_TEXT])
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, size, seed);
    snprintf(digest, DIGEST_TEXT, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
}
