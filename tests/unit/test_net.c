/* The builder, the named networks against the paper's numbers, and the initial weights. */
#include "net/layers.h"
#include "net/net.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const float mean[4] = {125.3f, 123.0f, 113.9f, 100.0f},
                   deviation[4] = {63.0f, 62.1f, 66.7f, 50.0f};

static void named(struct net *net, const char *name)
{
    struct err err = {0};
    if (net_named(net, name, 3, 32, 32, 10, mean, deviation, &err) != 0)
        fail_msg("%s", err.text);
}

static const struct repro_node *node_of(const struct net *net, const char *name)
{
    for (int i = 0; i < net->graph.node_count; i++)
        if (strcmp(net->names[i], name) == 0)
            return &net->nodes[i];
    fail_msg("no node '%s'", name);
    return NULL;
}

static void parameter_counts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t param;
    } wanted[] = {{"wrn-16-4", 2748890}, {"wrn-16-1", 175066}, {"wrn-10-1", 77850}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct net net;
        named(&net, wanted[i].name);
        assert_int_equal(net.graph.param_count, wanted[i].param);
        net_release(&net);
    }
}

/* A training step is three products of the size of the forward one, two operations each. */
static void multiply_adds(void **state)
{
    (void)state;
    struct net net;
    named(&net, "wrn-16-4");
    double gigaflop = 6.0 * (double)net_macs(&net) * 1e-9;
    if (fabs(gigaflop - 2.356) > 0.0005)
        fail_msg("%.4f GFLOP a trained image", gigaflop);
    net_release(&net);
}

static void shape_is(const struct net *net, const char *name, int channels, int side)
{
    const struct repro_node *node = node_of(net, name);
    if (node->channels != channels || node->height != side || node->width != side)
        fail_msg("%s is %d x %d x %d", name, node->channels, node->height, node->width);
}

static void stages(void **state)
{
    (void)state;
    struct net net;
    named(&net, "wrn-16-4");
    shape_is(&net, "input", 3, 32);
    shape_is(&net, "stem", 16, 32);
    char name[NET_NAME];
    for (int group = 1; group <= 3; group++) {
        for (int block = 1; block <= 2; block++) {
            snprintf(name, sizeof name, "group%d.block%d.add", group, block);
            shape_is(&net, name, 32 << group, 64 >> group);
        }
    }
    shape_is(&net, "group2.block1.bn1", 64, 32);
    shape_is(&net, "group2.block1.shortcut", 128, 16);
    shape_is(&net, "group2.block1.conv1", 128, 16);
    shape_is(&net, "head.relu", 256, 8);
    shape_is(&net, "head.pool", 256, 1);
    shape_is(&net, "head.dense", 10, 1);
    shape_is(&net, "loss", 1, 1);
    /* depth: the convolutions with weights on the longest path, and the dense layer */
    int convs = 0, shortcuts = 0;
    for (int i = 0; i < net.graph.node_count; i++) {
        convs += net.nodes[i].op == REPRO_OP_CONV;
        shortcuts += strstr(net.names[i], "shortcut") != NULL;
    }
    assert_int_equal(shortcuts, 3);
    /* Zagoruyko & Komodakis count the shortcuts: 6n + 4 = 13 + 3 */
    assert_int_equal(convs - shortcuts + 3, 16);
    net_release(&net);
}

/* Sources come before their readers, everything is read, the ends are where they should be. */
static void order_is_topological(const struct net *net)
{
    const struct repro_graph *graph = &net->graph;
    assert_ptr_equal(graph->nodes, net->nodes);
    assert_int_equal(graph->struct_size, sizeof *graph);
    assert_int_equal(graph->node_size, sizeof *graph->nodes);
    assert_int_equal(graph->reserved, 0);
    assert_int_equal(net->nodes[0].op, REPRO_OP_INPUT);
    assert_int_equal(net->nodes[graph->node_count - 1].op, REPRO_OP_SOFTMAX_CROSS_ENTROPY);
    for (int i = 1; i < graph->node_count; i++) {
        assert_true(net->nodes[i].src_count >= 1);
        for (int s = 0; s < net->nodes[i].src_count; s++)
            assert_in_range(net->nodes[i].src[s], 0, i - 1);
    }
    for (int i = 0; i < graph->node_count - 1; i++) {
        int readers = 0;
        for (int j = i + 1; j < graph->node_count; j++)
            for (int s = 0; s < net->nodes[j].src_count; s++)
                readers += net->nodes[j].src[s] == i;
        assert_true(readers > 0);
    }
}

/* Every float of the arena belongs to exactly one tensor; names are unique. */
static void table_covers(const struct net *net, int arena, int64_t count)
{
    unsigned char *seen = mem_new((size_t)count, 1, NULL);
    assert_non_null(seen);
    for (size_t t = 0; t < net->tensor_count; t++) {
        const struct net_tensor *tensor = &net->tensors[t];
        int64_t product = 1;
        assert_in_range(tensor->rank, 1, 4);
        for (int i = 0; i < tensor->rank; i++)
            product *= tensor->dims[i];
        assert_int_equal(product, tensor->count);
        for (size_t other = 0; other < t; other++)
            assert_string_not_equal(tensor->name, net->tensors[other].name);
        if (tensor->arena != arena)
            continue;
        assert_true(tensor->first >= 0 && tensor->first + tensor->count <= count);
        for (int64_t i = tensor->first; i < tensor->first + tensor->count; i++)
            if (seen[i]++ != 0)
                fail_msg("%s overlaps another tensor at float %lld", tensor->name, (long long)i);
    }
    assert_null(memchr(seen, 0, (size_t)count));
    mem_free(seen);
}

static void every_network_is_sound(void **state)
{
    (void)state;
    static const char *const names[] = {"tiny",     "wrn-10-1", "wrn-16-1",
                                        "wrn-16-4", "wrn-22-2", "wrn-28-1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct net net;
        named(&net, names[i]);
        order_is_topological(&net);
        table_covers(&net, REPRO_ARENA_PARAM, net.graph.param_count);
        table_covers(&net, REPRO_ARENA_RUNNING, net.graph.running_count);
        assert_null(net.err);
        net_release(&net);
        net_release(&net);
    }
}

static void any_image(void **state)
{
    (void)state;
    static const int sides[][3] = {{1, 7, 9}, {4, 33, 31}, {3, 1, 1}, {2, 64, 8}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        struct err err = {0};
        struct net net;
        assert_int_equal(net_named(&net, "wrn-10-1", sides[i][0], sides[i][1], sides[i][2], 2, mean,
                                   deviation, &err),
                         0);
        assert_int_equal(net.nodes[0].channels, sides[i][0]);
        const struct repro_node *last = node_of(&net, "head.relu");
        assert_int_equal(last->height, (sides[i][1] + 3) / 4); /* two strides of 2, rounded up */
        assert_int_equal(last->width, (sides[i][2] + 3) / 4);
        assert_memory_equal(net.graph.mean, mean, (size_t)sides[i][0] * sizeof *mean);
        table_covers(&net, REPRO_ARENA_PARAM, net.graph.param_count);
        net_release(&net);
    }
}

static void unknown_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *words;
    } wrong[] = {
        {"", "unknown network"},
        {"wrn", "unknown network"},
        {"wrn-16", "unknown network"},
        {"wrn-16-", "unknown network"},
        {"wrn-16-4x", "unknown network"},
        {"wrn-16-4 ", "unknown network"},
        {"wrn- 16-4", "unknown network"},
        {"wrn-+16-4", "unknown network"},
        {"wrn-016-4", "unknown network"},
        {"WRN-16-4", "unknown network"},
        {"resnet", "unknown network"},
        {"tiny2", "unknown network"},
        {"wrn-15-4", "6n + 4"},
        {"wrn-4-4", "6n + 4"},
        {"wrn-16-0", "the width is"},
        {"wrn-16-65", "the width is"},
        {"wrn--16-4", "unknown network"},
        {"wrn-16-00", "unknown network"},
        {"wrn-16-4-4", "unknown network"},
        {"tin", "'tin'; did you mean 'tiny'? (There are: wrn-D-K, wrn-16-4, tiny, inception"},
        {"wrn-16_4", "did you mean 'wrn-16-4'?"},
        {"wrn-D-K", "unknown network"},
        {"vgg", "unknown network 'vgg'; there are: wrn-D-K, wrn-16-4, tiny"},
        {"wrn-0-1", "6n + 4"},
        {"wrn-1006-4", "6n + 4"},
        {"wrn-4294967312-4", "network"},
        {"wrn-16-4294967300", "network"},
        {"wrn-99999999999999999999-4", "network"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        struct net net;
        if (net_named(&net, wrong[i].name, 3, 32, 32, 10, mean, deviation, &err) != ERR_INPUT)
            fail_msg("'%s' was accepted", wrong[i].name);
        if (strstr(err.text, wrong[i].words) == NULL || strstr(err.text, wrong[i].name) == NULL)
            fail_msg("'%s': '%s'", wrong[i].name, err.text);
    }
}

/* Every row names itself by its example, builds for its own images, and is found once. */
static void the_table(void **state)
{
    (void)state;
    size_t count;
    const struct network *table = net_table(&count);
    assert_true(count >= 2);
    for (size_t i = 0; i < count; i++) {
        struct err err = {0};
        struct net net;
        assert_ptr_equal(net_find(table[i].example, &err), &table[i]);
        assert_true(table[i].title != NULL && table[i].title[0] != '\0');
        if (net_named(&net, table[i].example, table[i].channels, table[i].side, table[i].side,
                      table[i].classes, mean, deviation, &err) != 0)
            fail_msg("%s: %s", table[i].example, err.text);
        assert_int_equal(net.graph.classes, table[i].classes);
        order_is_topological(&net);
        table_covers(&net, REPRO_ARENA_PARAM, net.graph.param_count);
        table_covers(&net, REPRO_ARENA_RUNNING, net.graph.running_count);
        net_release(&net);
        int numbers = 0;
        for (const char *at = table[i].pattern; *at != '\0'; at++)
            numbers += *at >= 'A' && *at <= 'Z';
        assert_in_range(numbers, 0, NETWORK_NUMBERS);
    }
    struct err err = {0};
    const struct network *wrn = net_find("wrn-28-10", &err);
    assert_ptr_equal(wrn, &table[0]);
    assert_string_equal(wrn->pattern, "wrn-D-K");
    assert_true(wrn->channels == 3 && wrn->side == 32 && wrn->classes == 10);
    assert_null(net_find("wrn-28-100", &err));
    assert_non_null(strstr(err.text, "the width is 1 to 64"));
}

static void refused_inputs(void **state)
{
    (void)state;
    static const int wrong[][4] = {
        {0, 8, 8, 2}, {5, 8, 8, 2}, {3, 0, 8, 2}, {3, 8, 65537, 2}, {3, 8, 8, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        struct net net;
        assert_int_equal(net_named(&net, "tiny", wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3],
                                   mean, deviation, &err),
                         ERR_INPUT);
        assert_non_null(strstr(err.text, "input"));
    }
}

/* ---- Misuse of the builder: one wrong call, the rest as it should be, and the sentence names the
 * node. */

static int misuse(struct net *net, int which)
{
    struct repro_node node = {.src_count = 1};
    switch (which) {
    case 0:
        return net_conv(net, "wrong", 0, 0, 3, 1, 1);
    case 1:
        return net_conv(net, "wrong", 0, 4, 0, 1, 1);
    case 2:
        return net_conv(net, "wrong", 0, 4, 3, 0, 1);
    case 3:
        return net_conv(net, "wrong", 0, 4, 11, 1, 1);
    case 4:
        return net_conv(net, "wrong", 7, 4, 3, 1, 1);
    case 5:
        return net_conv(net, "wrong", -1, 4, 3, 1, 1);
    case 6:
        return net_add(net, "wrong", 0, net_conv(net, "conv", 0, 4, 3, 1, 1), 1.0f);
    case 7:
        return net_loss(net, "wrong", 0);
    case 8:
        return net_node(net, "wrong", &node);
    case 9:
        node.op = REPRO_OP_COUNT + 1;
        return net_node(net, "wrong", &node);
    case 10:
        node.op = REPRO_OP_ADD;
        return net_node(net, "wrong", &node);
    case 11:
        node.op = REPRO_OP_CONCAT;
        node.src_count = 0;
        return net_node(net, "wrong", &node);
    case 12:
        node.op = REPRO_OP_RELU;
        node.src_count = 2;
        return net_node(net, "wrong", &node);
    case 13:
        node.op = REPRO_OP_INPUT;
        return net_node(net, "wrong", &node);
    case 14:
        return net_dense(net, "wrong", 0, 0);
    case 15:
        node.op = REPRO_OP_CONCAT;
        node.src_count = 2;
        node.src[1] = net_conv(net, "conv", 0, 4, 3, 2, 1);
        return net_node(net, "wrong", &node);
    case 16:
        return net_relu(net, "wrong-and-far-too-long-a-name-for-any-node-of-a-network", 0);
    case 17:
        return net_conv(net, "wrong", 0, 4, 3, 1, -1);
    case 18:
        node.op = REPRO_OP_RELU;
        node.flags = 0x80;
        return net_node(net, "wrong", &node);
    default:
        node.op = REPRO_OP_SOFTMAX_CROSS_ENTROPY;
        return net_node(net, "wrong", &node);
    }
}

static void misuse_is_named(void **state)
{
    (void)state;
    for (int which = 0; which <= 19; which++) {
        struct err err = {0};
        struct net net;
        net_start(&net, 3, 8, 8, 2, mean, deviation, &err);
        int y = misuse(&net, which);
        assert_int_equal(y, -1);
        y = net_dense(&net, "dense", net_global_avg_pool(&net, "pool", y), 2);
        net_loss(&net, "loss", y);
        if (net_finish(&net, &err) != ERR_INPUT)
            fail_msg("case %d was accepted", which);
        if (strstr(err.text, "network node 'wrong") == NULL)
            fail_msg("case %d: '%s'", which, err.text);
        assert_null(net.nodes);
    }
}

/* A net that is not whole: no loss at the end, or a node that nobody reads. */
static void unfinished(void **state)
{
    (void)state;
    struct err err = {0};
    struct net net;
    net_start(&net, 3, 8, 8, 2, mean, deviation, &err);
    assert_int_equal(net_finish(&net, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "not the loss"));
    net_start(&net, 3, 8, 8, 2, mean, deviation, &err);
    net_conv(&net, "lonely", 0, 4, 3, 1, 1);
    net_loss(&net, "loss", net_dense(&net, "dense", 0, 2));
    assert_int_equal(net_finish(&net, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "'lonely': no later node reads it"));
}

static void the_first_failure_wins(void **state)
{
    (void)state;
    struct err err = {0}, other = {0};
    struct net net;
    net_start(&net, 3, 8, 8, 2, mean, deviation, &err);
    int y = net_conv(&net, "first", 0, 0, 3, 1, 1);
    y = net_conv(&net, "second", y, 0, 3, 1, 1);
    net_loss(&net, "third", y);
    assert_int_equal(net_finish(&net, &other), ERR_INPUT);
    assert_non_null(strstr(err.text, "'first'"));
    assert_string_equal(err.text, other.text);
}

static void too_many_nodes(void **state)
{
    (void)state;
    struct err err = {0};
    struct net net;
    char name[NET_NAME];
    net_start(&net, 3, 8, 8, 2, mean, deviation, &err);
    for (int y = 0, i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "relu%d", i);
        y = net_relu(&net, name, y);
    }
    assert_int_equal(net_finish(&net, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "at most 4096 nodes"));
}

/* A dense layer by hand carries the bias flag that the contract promises. */
static void dense_by_hand(void **state)
{
    (void)state;
    struct err err = {0};
    struct net net;
    net_start(&net, 3, 8, 8, 2, mean, deviation, &err);
    struct repro_node node = {.op = REPRO_OP_DENSE, .src_count = 1, .channels = 2};
    net_loss(&net, "loss", net_node(&net, "dense", &node));
    assert_int_equal(net_finish(&net, &err), 0);
    assert_int_equal(net.nodes[1].flags, REPRO_NODE_BIAS);
    assert_int_equal(net.nodes[1].bias, 2 * 3 * 8 * 8);
    net_release(&net);
}

/* ---- Initial weights ---- */

struct weights {
    struct net net;
    float *param, *running;
};

static void draw(struct weights *weights, const char *name, uint64_t seed)
{
    named(&weights->net, name);
    weights->param = mem_new((size_t)weights->net.graph.param_count, sizeof(float), NULL);
    weights->running = mem_new((size_t)weights->net.graph.running_count, sizeof(float), NULL);
    net_initial(&weights->net, seed, weights->param, weights->running);
}

static void drop(struct weights *weights)
{
    net_release(&weights->net);
    mem_free(weights->param);
    mem_free(weights->running);
}

/* Mean 0 and variance 2/fan_in (dense 1/fan_in), each within five standard errors of n draws. */
static void variance_is(const struct net_tensor *tensor, const float *values)
{
    double fan_in = (double)tensor->count / (double)tensor->dims[0], n = (double)tensor->count;
    double wanted = (tensor->rank == 4 ? 2.0 : 1.0) / fan_in, sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < tensor->count; i++) {
        sum += values[i];
        squares += (double)values[i] * values[i];
    }
    if (fabs(sum / n) > 5.0 * sqrt(wanted / n))
        fail_msg("%s: mean %g", tensor->name, sum / n);
    if (fabs(squares / n / wanted - 1.0) > 5.0 * sqrt(2.0 / n))
        fail_msg("%s: variance %g, wanted %g", tensor->name, squares / n, wanted);
}

static void all_are(const struct net_tensor *tensor, const float *values, float wanted)
{
    for (int64_t i = 0; i < tensor->count; i++)
        if (values[i] != wanted)
            fail_msg("%s[%lld] is %g", tensor->name, (long long)i, (double)values[i]);
}

static void initial_values(void **state)
{
    (void)state;
    struct weights weights;
    draw(&weights, "wrn-16-4", 1);
    for (size_t t = 0; t < weights.net.tensor_count; t++) {
        const struct net_tensor *tensor = &weights.net.tensors[t];
        const float *values = (tensor->arena == REPRO_ARENA_PARAM ? weights.param
                                                                  : weights.running) +
                              tensor->first;
        const char *part = strrchr(tensor->name, '.') + 1;
        if (strcmp(part, "weights") == 0)
            variance_is(tensor, values);
        else
            all_are(tensor, values,
                    strcmp(part, "gamma") == 0 || strcmp(part, "variance") == 0 ? 1.0f : 0.0f);
    }
    drop(&weights);
}

static void seeds(void **state)
{
    (void)state;
    struct weights one, again, two;
    draw(&one, "wrn-10-1", 1);
    draw(&again, "wrn-10-1", 1);
    draw(&two, "wrn-10-1", 2);
    size_t bytes = (size_t)one.net.graph.param_count * sizeof(float);
    assert_memory_equal(one.param, again.param, bytes);
    int64_t same = 0;
    for (int64_t i = 0; i < 432; i++) /* the stem */
        same += one.param[i] == two.param[i];
    assert_int_equal(same, 0);
    drop(&one);
    drop(&again);
    drop(&two);
}

/* Element i is the i-th draw whatever stands around it: by the header's formula, and across
 * networks. */
static void draws_are_addressed(void **state)
{
    (void)state;
    struct weights wide, narrow;
    draw(&wide, "wrn-16-4", 9);
    draw(&narrow, "wrn-10-1", 9);
    assert_memory_equal(wide.param, narrow.param, 16 * 3 * 9 * sizeof(float));
    for (size_t t = 0; t < wide.net.tensor_count; t++) {
        const struct net_tensor *tensor = &wide.net.tensors[t];
        if (tensor->rank == 1)
            continue;
        double scale = sqrt((tensor->rank == 4 ? 2.0 : 1.0) * (double)tensor->dims[0] /
                            (double)tensor->count);
        for (int64_t i = tensor->first; i < tensor->first + tensor->count; i += 97) {
            struct random_words words = random_at(9, RANDOM_INIT, 0, (uint64_t)i / 2, 0);
            double normal[2];
            random_normal(words.word[0], words.word[1], normal);
            float wanted = (float)(scale * normal[i % 2]);
            if (fabsf(wide.param[i] - wanted) > 1e-6f * fabsf(wanted))
                fail_msg("PARAM[%lld] is %g, wanted %g", (long long)i, (double)wide.param[i],
                         (double)wanted);
        }
    }
    drop(&wide);
    drop(&narrow);
}

/* ---- What networks of one name can differ in ---- */

static void built_with(struct net *net, const char *name, const struct net_ways *ways)
{
    struct err err = {0};
    if (net_named_with(net, name, ways, 3, 32, 32, 10, mean, deviation, &err) != 0)
        fail_msg("%s", err.text);
}

/* Every tensor of the one without gammas is in the other and begins with the same values; what the
 * other has besides is gammas. */
static void without_gamma(void **state)
{
    (void)state;
    struct net_ways ways = {.no_gamma = 1};
    struct weights usual, plain = {0};
    draw(&usual, "wrn-16-4", 4);
    built_with(&plain.net, "wrn-16-4", &ways);
    plain.param = mem_new((size_t)plain.net.graph.param_count, sizeof(float), NULL);
    plain.running = mem_new((size_t)plain.net.graph.running_count, sizeof(float), NULL);
    net_initial(&plain.net, 4, plain.param, plain.running);
    int64_t norms = usual.net.graph.running_count / 2, gammas = 0;
    assert_true(norms > 0);
    assert_int_equal(plain.net.graph.param_count, usual.net.graph.param_count - norms);
    assert_int_equal(plain.net.graph.running_count, usual.net.graph.running_count);
    size_t own = 0;
    for (size_t t = 0; t < usual.net.tensor_count; t++) {
        const struct net_tensor *a = &usual.net.tensors[t], *b = &plain.net.tensors[own];
        if (strstr(a->name, ".gamma") != NULL) {
            gammas += a->count;
            continue;
        }
        assert_true(own < plain.net.tensor_count);
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->count, b->count);
        assert_int_equal(net_is_weights(a), strstr(a->name, ".weights") != NULL);
        if (a->arena == REPRO_ARENA_PARAM)
            assert_memory_equal(usual.param + a->first, plain.param + b->first,
                                (size_t)a->count * sizeof(float));
        own++;
    }
    assert_int_equal(gammas, norms);
    assert_int_equal(own, plain.net.tensor_count);
    for (int i = 0; i < plain.net.graph.node_count; i++)
        if (plain.net.nodes[i].op == REPRO_OP_BATCH_NORM)
            assert_true(plain.net.nodes[i].weights == -1 &&
                        plain.net.nodes[i].flags == REPRO_NODE_NO_GAMMA);
    drop(&usual);
    drop(&plain);
}

static void smoothed(void **state)
{
    (void)state;
    struct net_ways ways = {.label_smoothing = 0.1}, none = {0};
    struct net net;
    built_with(&net, "tiny", &ways);
    const struct repro_node *loss = &net.nodes[net.graph.node_count - 1];
    assert_true(loss->flags == REPRO_NODE_SMOOTHED && loss->scale == 0.1f);
    net_release(&net);
    built_with(&net, "tiny", &none);
    loss = &net.nodes[net.graph.node_count - 1];
    assert_true(loss->flags == 0 && loss->scale == 0.0f);
    net_release(&net);
}

/* A dense layer of 2 x 2 x 3 pixels and a loss, in a way that says nothing of it. */
static void ways_that_make_no_sense(void **state)
{
    (void)state;
    static const struct {
        struct net_ways ways;
        uint32_t dense_flags;
        const char *word;
    } wrong[] = {
        {{.no_gamma = 1}, 0, "no batch norm"},
        {{.label_smoothing = 1.0}, 0, "less than 1"},
        {{.label_smoothing = -0.5}, 0, "at least 0"},
        {{0}, REPRO_NODE_NO_GAMMA, "only a batch norm"},
        {{0}, REPRO_NODE_SMOOTHED, "labels of a loss"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct net net;
        struct err err = {0};
        net_start(&net, 3, 2, 2, 10, mean, deviation, &err);
        net.ways = wrong[i].ways;
        struct repro_node dense = {
            .op = REPRO_OP_DENSE, .flags = wrong[i].dense_flags, .src_count = 1, .channels = 10};
        net_loss(&net, "loss", net_node(&net, "dense", &dense));
        assert_int_equal(net_finish(&net, &err), ERR_INPUT);
        if (strstr(err.text, wrong[i].word) == NULL)
            fail_msg("'%s' lacks '%s'", err.text, wrong[i].word);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameter_counts),
        cmocka_unit_test(multiply_adds),
        cmocka_unit_test(stages),
        cmocka_unit_test(every_network_is_sound),
        cmocka_unit_test(any_image),
        cmocka_unit_test(unknown_names),
        cmocka_unit_test(the_table),
        cmocka_unit_test(refused_inputs),
        cmocka_unit_test(misuse_is_named),
        cmocka_unit_test(unfinished),
        cmocka_unit_test(the_first_failure_wins),
        cmocka_unit_test(too_many_nodes),
        cmocka_unit_test(dense_by_hand),
        cmocka_unit_test(initial_values),
        cmocka_unit_test(seeds),
        cmocka_unit_test(draws_are_addressed),
        cmocka_unit_test(without_gamma),
        cmocka_unit_test(smoothed),
        cmocka_unit_test(ways_that_make_no_sense),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
