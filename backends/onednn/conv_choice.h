/* conv_choice.h -- what a convolution is made of: the layout of its dst, descriptors of its
 * weights, and the library's implementations of its three passes.  A descriptor handed out is the
 * caller's. */
#ifndef ONEDNN_CONV_CHOICE_H
#define ONEDNN_CONV_CHOICE_H

#include "layer.h"

/* Chooses layouts and implementations of forward; the tensors of the sources are known, dst's is
 * set here. */
int32_t conv_layout(struct repro_net *net, struct layer *layer, struct repro_error *err);
/* Whether it can add `other` to its dst with the implementation it has anyway. */
int conv_can_add(struct repro_net *net, const struct layer *layer, const struct layer *other,
                 int in_place);

/* Weights OIHW as in PARAM (dnnl_oihw), or as the library likes (dnnl_format_tag_any). */
int32_t conv_weights_md(const struct repro_node *node, const struct repro_node *src,
                        dnnl_data_type_t type, dnnl_format_tag_t tag, struct md *md,
                        struct repro_error *err);
int32_t conv_bias_md(const struct repro_node *node, struct md *md, struct repro_error *err);

/* Forward for a source that lies as src says and a dst that lies as dst says, either may be `any`;
 * Winograd falls back to direct. other: the tensor that an add behind adds, or NULL; in_place: it
 * is what dst holds. */
int32_t conv_forward_pd(struct repro_net *net, const struct layer *layer, const struct md *src,
                        const struct md *dst, const struct tensor *other, int in_place,
                        dnnl_primitive_desc_t *pd, struct repro_error *err);
/* The backward passes behind that forward, `hint`. */
int32_t conv_data_pd(struct repro_net *net, const struct layer *layer, const struct md *src,
                     const struct md *dst, dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *pd,
                     struct repro_error *err);
int32_t conv_weights_pd(struct repro_net *net, const struct layer *layer, const struct md *src,
                        const struct md *dst, dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *pd,
                        struct repro_error *err);

/* The library's name of an implementation. */
void conv_name(char choice[48], const_dnnl_primitive_desc_t pd);

#endif
