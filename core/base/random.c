#include "base/random.h"

#include <Random123/philox.h>
#include <math.h>

struct random_words random_at(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t index,
                              uint32_t block)
{
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {
        {block, (uint32_t)index, epoch, (uint32_t)(index >> 32) << 8 | purpose}};
    philox4x32_ctr_t out = philox4x32_R(10, counter, key);
    return (struct random_words){{out.v[0], out.v[1], out.v[2], out.v[3]}};
}

double random_uniform(uint32_t word)
{
    return word * 0x1p-32;
}

uint64_t random_below(uint32_t high, uint32_t low, uint64_t bound)
{
    uint64_t word = (uint64_t)high << 32 | low;
    return (uint64_t)((unsigned __int128)word * bound >> 64);
}

void random_normal(uint32_t word0, uint32_t word1, double normal[2])
{
    double u = (word0 + 1.0) * 0x1p-32; /* (0, 1] */
    double radius = sqrt(-2.0 * log(u)),
           angle = 2.0 * 3.14159265358979323846 * random_uniform(word1);
    normal[0] = radius * cos(angle);
    normal[1] = radius * sin(angle);
}
