"""RAF-DB: 15,339 faces of photos from Flickr, seven basic expressions (Li et al. 2017, CVPR).

Read are its aligned faces, 100x100 in colour, in numbered class folders:
`rafdb/DATASET/{train,test}/{1,...,7}/*.jpg`. The files `train_labels.csv` and `test_labels.csv`, which may
lie beside them, are not read. The faces are framed as their owners aligned them, and are not cropped again.

Official splits are training (12,271) and test (3,068). A tenth of the first, by a hash of class folder and
file name, is for validation here.
"""

from typing import Final

from fer_core.expressions import FER2013, Expression
from training.sources.base import Split
from training.sources.class_folder_source import ClassFolderSource

SOURCE: Final = ClassFolderSource(
    name="rafdb",
    title="RAF-DB",
    splits=tuple(Split),
    label_space=FER2013,
    places=("rafdb/DATASET", "rafdb", "RAF-DB/DATASET", "RAF-DB", "DATASET"),
    class_names={
        "1": Expression.SURPRISE,
        "2": Expression.FEAR,
        "3": Expression.DISGUST,
        "4": Expression.HAPPY,
        "5": Expression.SAD,
        "6": Expression.ANGRY,
        "7": Expression.NEUTRAL,
    },
    validation_percent=10,
    counts={Split.TRAIN: 12_271, Split.TEST: 3_068},
    page="http://www.whdeng.cn/raf/model1.html (its owners give it out on request)",
    measured=(Split.TEST,),
    judge="the labels of about forty people per face (RAF-DB)",
    origin="photos from Flickr, each labelled by about forty people independently of each other",
    terms="non-commercial research only, and the images may not be passed on; they come from the web and "
    "their rights stay with their owners",
    hidden_because="it is for non-commercial research only, and its terms forbid passing images on",
    credit=None,
)
