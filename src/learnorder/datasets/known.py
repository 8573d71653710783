"""The catalogue of names: known datasets, and the kinds of files anybody can bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

IDX_FILES: Final = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte, each as it is or with .gz"
)
PARQUET_FILES: Final = "train-*.parquet and test-*.parquet in the Hugging Face layout"

FASHION_CLASSES: Final = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


IMAGENET_FILES: Final = (
    "train/<wnid>/ and val/<wnid>/ with the pictures of ILSVRC 2012 (image-net.org, after "
    "registration; the validation pictures sorted into the folders of their classes)"
)
IMAGENET_TERMS: Final = "non-commercial research, terms of access of ImageNet"

CATS: Final = ("n02123045", "n02123159", "n02123394", "n02123597", "n02124075")
"""All domestic cats of ILSVRC 2012: tabby, tiger cat, Persian, Siamese, Egyptian."""

DOGS: Final = (
    "n02085620",
    "n02085782",
    "n02085936",
    "n02086079",
    "n02086240",
    "n02086646",
    "n02086910",
    "n02087046",
    "n02087394",
    "n02088094",
)
"""The first ten dogs in the order of ILSVRC 2012: Chihuahua, Japanese spaniel, Maltese, Pekinese,
Shih-Tzu, Blenheim spaniel, papillon, toy terrier, Rhodesian ridgeback, Afghan hound."""


@dataclass(frozen=True)
class DatasetEntry:
    """A name `load_dataset` knows.

    Attributes
    ----------
    name
        What to write.
    format
        How its files are laid out; ``digits``, ``synthetic`` and ``noise`` need none.
    kind
        ``image``, ``features``, ``text``, or ``any`` for what the files decide.
    description
        What it is, in a sentence.
    looked_for
        The files that are needed.
    licence, source
        As stated by whoever publishes it; ``yours`` for your own files.
    folder
        Folder under ``$LEARNORDER_DATA``; None where a path is needed or no file is.
    hub
        Repository on the Hugging Face hub that is used without a folder, or None.
    is_kind
        Whether this is a kind of files rather than a dataset.
    class_names
        Where the files do not have them.
    label_column
        Column of the labels where none is called ``label``.
    embeddings
        File of word vectors in the folder that is used by itself.
    options
        What can be chosen of a dataset that is drawn, with the defaults.
    classes
        Class folders that are kept, where the dataset is a part of what lies in the folder.
    made_from
        How its files are made, where nobody publishes them in this form.
    """

    name: str
    format: str
    kind: str
    description: str
    looked_for: str
    licence: str
    source: str
    folder: str | None = None
    hub: str | None = None
    is_kind: bool = False
    class_names: tuple[str, ...] | None = None
    label_column: str | None = None
    embeddings: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    made_from: str | None = None


def _kind(name: str, kind: str, description: str, looked_for: str) -> DatasetEntry:
    return DatasetEntry(name, name, kind, description, looked_for, "yours", "yours", is_kind=True)


ENTRIES: Final = (
    DatasetEntry(
        name="digits",
        format="digits",
        kind="image",
        description="Handwritten digits, 8x8 grey, 1,297 train and 500 test; no download",
        looked_for="nothing (it comes with scikit-learn)",
        licence="CC BY 4.0",
        source="UCI Optical Recognition of Handwritten Digits, through scikit-learn",
    ),
    DatasetEntry(
        name="mnist",
        format="idx",
        kind="image",
        description="Handwritten digits, 28x28 grey, 60,000 train and 10,000 test",
        looked_for=IDX_FILES,
        licence="none stated",
        source="LeCun, Cortes and Burges",
        folder="mnist",
        hub="ylecun/mnist",
        class_names=tuple("0123456789"),
    ),
    DatasetEntry(
        name="fashion-mnist",
        format="idx",
        kind="image",
        description="Articles of clothing, 28x28 grey, 10 classes, 60,000 train and 10,000 test",
        looked_for=IDX_FILES,
        licence="MIT",
        source="zalandoresearch/fashion-mnist",
        folder="fashion-mnist",
        hub="zalando-datasets/fashion_mnist",
        class_names=FASHION_CLASSES,
    ),
    DatasetEntry(
        name="cifar10-subset",
        format="parquet",
        kind="image",
        description="CIFAR-10, 32x32 colour, 10 classes, 10,000 train and 2,000 test, drawn per "
        "class",
        looked_for=PARQUET_FILES,
        licence="none stated",
        source="Krizhevsky 2009",
        folder="cifar10_subset",
        made_from="1,000 train and 200 test images of each class of uoft-cs/cifar10 on the Hugging "
        "Face hub, columns image and label (img and label there); other draws differ a little",
    ),
    DatasetEntry(
        name="cifar100-subset",
        format="parquet",
        kind="image",
        description="CIFAR-100, 32x32 colour, 100 classes (label) in 20 groups (coarse_label), "
        "10,000 train and 2,000 test, drawn per class",
        looked_for=PARQUET_FILES,
        licence="none stated",
        source="Krizhevsky 2009",
        folder="cifar100_subset",
        made_from="100 train and 20 test images of each class of uoft-cs/cifar100 on the Hugging "
        "Face hub, columns image, label and coarse_label (img, fine_label and coarse_label there); "
        "other draws differ a little",
    ),
    DatasetEntry(
        name="cifar10",
        format="parquet",
        kind="image",
        description="CIFAR-10, 32x32 colour, 10 classes, 50,000 train and 10,000 test",
        looked_for=PARQUET_FILES,
        licence="none stated",
        source="Krizhevsky 2009",
        folder="cifar10",
        hub="uoft-cs/cifar10",
    ),
    DatasetEntry(
        name="cifar100",
        format="parquet",
        kind="image",
        description="CIFAR-100, 32x32 colour, 100 classes in 20 groups, 50,000 train and 10,000 "
        "test",
        looked_for=PARQUET_FILES,
        licence="none stated",
        source="Krizhevsky 2009",
        folder="cifar100",
        hub="uoft-cs/cifar100",
        label_column="fine_label",
    ),
    DatasetEntry(
        name="small-mammals",
        format="parquet",
        kind="image",
        description="The CIFAR-100 superclass small mammals, 32x32 colour, 5 classes, 2,500 train "
        "and 500 test",
        looked_for=PARQUET_FILES,
        licence="none stated",
        source="Krizhevsky 2009",
        folder="cifar100_small_mammals",
        made_from="the images of uoft-cs/cifar100 on the Hugging Face hub whose coarse_label is "
        "small_mammals, columns image and label (hamster, mouse, rabbit, shrew, squirrel)",
    ),
    DatasetEntry(
        name="20newsgroups",
        format="parquet",
        kind="text",
        description="Messages to 20 newsgroups, split by date, 11,155 train and 7,416 test",
        looked_for=PARQUET_FILES,
        licence="none stated (GloVe vectors: PDDL 1.0)",
        source="Lang 1995, by-date split",
        folder="20newsgroups",
        made_from="20news-bydate of qwone.com/~jason/20Newsgroups without headers, quoted lines "
        "and signatures, columns text and label",
        embeddings="glove.6B.50d.20newsgroups.txt",
    ),
    DatasetEntry(
        name="tiny-imagenet",
        format="tiny-imagenet",
        kind="image",
        description="Tiny ImageNet, 64x64 colour, 200 classes, 100,000 train and 10,000 test (its "
        "validation split; labels of its own test split are not public)",
        looked_for="train/<wnid>/images/, val/images/ and val/val_annotations.txt, as unpacked "
        "from tiny-imagenet-200.zip (cs231n.stanford.edu/tiny-imagenet-200.zip)",
        licence=IMAGENET_TERMS,
        source="Le and Yang 2015",
        folder="tiny-imagenet-200",
    ),
    DatasetEntry(
        name="imagenet",
        format="imagenet",
        kind="image",
        description="ImageNet (ILSVRC 2012), colour, 1,000 classes, 1,281,167 train and 50,000 "
        "test (its validation split); give image_size and, to fit memory, classes",
        looked_for=IMAGENET_FILES,
        licence=IMAGENET_TERMS,
        source="Russakovsky et al. 2015",
        folder="imagenet",
    ),
    DatasetEntry(
        name="imagenet-cats",
        format="imagenet",
        kind="image",
        description="The 5 domestic cats of ImageNet; give image_size",
        looked_for=IMAGENET_FILES,
        licence=IMAGENET_TERMS,
        source="Russakovsky et al. 2015",
        folder="imagenet",
        classes=CATS,
    ),
    DatasetEntry(
        name="imagenet-dogs",
        format="imagenet",
        kind="image",
        description="The first 10 dogs of ImageNet; give image_size",
        looked_for=IMAGENET_FILES,
        licence=IMAGENET_TERMS,
        source="Russakovsky et al. 2015",
        folder="imagenet",
        classes=DOGS,
    ),
    DatasetEntry(
        name="vggface2",
        format="vggface2",
        kind="image",
        description="VGGFace2, faces of 8,631 identities (its training part; a fifth of the "
        "pictures of each are the test split); give image_size and, to fit memory, classes",
        looked_for="train/<identity>/ with pictures, as unpacked from vggface2_train.tar.gz "
        "(Visual Geometry Group, Oxford; or a copy of it)",
        licence="none stated; for research",
        source="Cao et al. 2018",
        folder="vggface2",
    ),
    DatasetEntry(
        name="gabor",
        format="synthetic",
        kind="image",
        description="Gabor patches in noise, drawn: each class is several orientations, none of "
        "which is easier",
        looked_for="nothing (it is drawn)",
        licence="none needed",
        source="learnorder",
        options={
            "n_classes": 2,
            "types_per_class": 4,
            "image_size": 32,
            "wavelengths": [4.0],
            "envelope": 4.0,
            "contrast": 0.25,
            "noise": 0.1,
            "n_train": 4000,
            "n_test": 2000,
        },
    ),
    DatasetEntry(
        name="gaussians",
        format="synthetic",
        kind="features",
        description="Symmetric Gaussian clusters, drawn: each class is several, each as far from "
        "every other",
        looked_for="nothing (it is drawn)",
        licence="none needed",
        source="learnorder",
        options={
            "n_classes": 2,
            "clusters_per_class": 8,
            "dimensions": 16,
            "distance": 4.0,
            "n_train": 4000,
            "n_test": 2000,
        },
    ),
    DatasetEntry(
        name="noise",
        format="noise",
        kind="any",
        description="Images or features of noise, drawn in the shape of the training examples: a "
        "further test set, [extra.NAME] in a spec",
        looked_for="nothing (it is drawn)",
        licence="none needed",
        source="learnorder",
        options={"kind": "uniform", "n": 1000},
    ),
    _kind(
        "parquet",
        "any",
        "A folder of Parquet files in the Hugging Face layout: images or texts, with labels",
        f"a folder with {PARQUET_FILES}",
    ),
    _kind(
        "idx",
        "image",
        "A folder of idx files, the format of MNIST",
        f"a folder with {IDX_FILES}",
    ),
    _kind(
        "npz",
        "any",
        "One numpy file with arrays",
        "a .npz file with x_train, y_train, x_test and y_test",
    ),
    _kind(
        "csv",
        "any",
        "A folder of tables with a header: numbers, or texts where text_column is given",
        "a folder with train.csv and test.csv",
    ),
    _kind(
        "imagefolder",
        "image",
        "A folder of pictures, one folder per split and class",
        "a folder with train/<class>/ and test/<class>/, each with pictures",
    ),
    _kind(
        "hub",
        "any",
        "A dataset of the Hugging Face hub: hub:owner/name",
        "a name owner/name on the hub",
    ),
)
"""Every known name, the datasets first."""
