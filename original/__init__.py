"""The original experiments, run again with the libraries of 2018.

TensorFlow 1.4.1, Keras 2.1.2 and scikit-learn 0.19.1, on Python 3.6 and on a processor. Nothing
here imports ``reluclf``, which needs a newer Python; both write records of the same schema.
"""
