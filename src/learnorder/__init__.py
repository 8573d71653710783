"""Which examples do networks learn first, and do independently trained networks agree?"""
