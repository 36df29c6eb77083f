/* loss.h -- softmax cross-entropy and dropout's draw, the same for every CPU backend.  Row order
 * throughout. */
#ifndef CPU_LOSS_H
#define CPU_LOSS_H

#include "cpu/arenas.h"

/* loss[row] = log(sum exp(logits)) - (1 - smoothing) logits[label] - smoothing / classes *
 * sum(logits), nats; adds the rows' losses, correct answers and count to the metrics.
 * logits [rows, classes]; computed in double. */
void loss_forward(struct cpu_arenas *arenas, const float *logits, const int32_t *labels,
                  int64_t rows, float smoothing, float *loss);

/* diff [rows, classes] = scale * (softmax(logits) - (1 - smoothing) onehot(label) - smoothing /
 * classes). */
void loss_backward(const float *logits, const int32_t *labels, int64_t rows, int64_t classes,
                   float smoothing, double scale, float *diff);

/* kept[e] of `size` elements in C,H,W order: whether a row keeps element e; the rule stands at
 * struct repro_rows. */
void dropout_draw(const struct repro_rows *rows, int64_t row, int32_t node, float rate,
                  int64_t size, uint8_t *kept);

#endif
