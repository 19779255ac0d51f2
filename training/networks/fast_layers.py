"""Layers that are faster to train than Keras's own, with the same answers.

Keras 3 composes batch normalisation from means, products and casts to float32, each of which reads and
writes all features once more. XLA fuses them; TensorFlow without XLA does not, and there
they take nearly half of a training step on a CPU that multiplies matrices in bfloat16. Here they are one
operation.

A dropout that leaves out everything is computed by Keras nevertheless, with all that comes before it. Here
it is a constant, so that TensorFlow drops what nothing else needs: of a dual-input network, the trunk.
"""

from typing import Final

import keras


class BatchNormalization(keras.layers.BatchNormalization):
    """As its parent (Ioffe and Szegedy 2015, arXiv:1502.03167), fused under TensorFlow.

    Features, (N, h, w, channels) in the layer's dtype, stay in that dtype; means and variances are
    float32, as are the weights. Weights files are keyed by a layer's class, hence the parent's name.
    """

    def call(
        self,
        inputs: keras.KerasTensor,
        training: bool | None = None,
        mask: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        """Return the normalised features, of the shape of `inputs`."""
        fits = len(inputs.shape) == 4 and self.axis in (-1, 3) and self.scale and self.center
        if keras.backend.backend() != "tensorflow" or mask is not None or not fits or self.renorm:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        learns = bool(training and self.trainable)
        answer = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=tf.zeros([0]) if learns else self.moving_mean,
            variance=tf.zeros([0]) if learns else self.moving_variance,
            epsilon=self.epsilon,
            is_training=learns,
        )
        if learns:
            # TensorFlow gives the variance of the population, Keras keeps that of the batch.
            n = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
            variance = answer.batch_variance * ((n - 1.0) / n)
            for kept, new in (
                (self.moving_mean, answer.batch_mean),
                (self.moving_variance, variance),
            ):
                kept.assign(kept * self.momentum + new * (1.0 - self.momentum))
        return answer.y


class Dropout(keras.layers.Dropout):
    """As its parent, with a constant where everything is left out in training."""

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Return the features that are kept, of the shape of `inputs`, or one row of zeros for all."""
        if training and self.rate == 1.0:
            return keras.ops.zeros((1, *inputs.shape[1:]), dtype=inputs.dtype)
        return super().call(inputs, training=training)


_FASTER: Final[dict[type[keras.layers.Layer], type[keras.layers.Layer]]] = {
    keras.layers.BatchNormalization: BatchNormalization,
    keras.layers.Dropout: Dropout,
}


def with_fast_layers(network: keras.Model) -> keras.Model:
    """Return a network with the same weights and answers that is faster to train.

    It is for training alone: what is served is built of Keras's own layers.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        made_of = _FASTER.get(type(layer), type(layer))
        return made_of.from_config(layer.get_config())

    fast = keras.models.clone_model(network, clone_function=clone, recursive=True)
    fast.set_weights(network.get_weights())
    return fast
