"""Stage 4 for frameworks: a callback records training into a log, and never stops it.

One module for each framework, imported only when it is asked for:

    lightning.RecordPredictions          a callback of PyTorch Lightning
    transformers.RecordPredictions       a callback of Hugging Face's Trainer
    keras.RecordPredictions              a callback of Keras 3
    skorch.RecordPredictions             a callback of skorch
    sklearn.record_stages, record_epochs a fitted ensemble; partial_fit and warm_start
    xgboost.RecordRounds, record_rounds  a callback, or a model that is trained
    lightgbm.RecordRounds, record_rounds the same

All of them record through `guarded.GuardedRecorder`, which catches, marks the log and tells.
"""
