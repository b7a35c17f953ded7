"""Common US given names. `finding.py` skips a name that follows another given name, because Mary Ann Smith is not Ann
Smith.

Source: the 1990 census (public domain), the most frequent names of women and men.
"""

_COMMON = """
aaron adam alan albert alexander alice amanda amy andrea andrew angela ann anna anne annie anthony arthur ashley
barbara benjamin betty beverly billy bobby bonnie brandon brenda brian bruce carl carlos carol carolyn catherine
charles cheryl christina christine christopher cynthia daniel david deborah debra denise dennis diana diane donald
donna doris dorothy douglas edward elizabeth emily emma eric ernest eugene evelyn frances frank fred gary george
gerald gloria gregory harold harry heather helen henry howard irene jack jacqueline james jane janet janice jason
jean jeffrey jennifer jeremy jerry jesse jessica jimmy joan joe john johnny jonathan jose joseph joshua joyce juan
juanita judith judy julia julie justin karen katherine kathleen kathryn kathy keith kelly kenneth kevin kimberly
larry laura lawrence lillian linda lisa lois lori louis louise margaret maria marie marilyn mark martha martin mary
matthew melissa michael michelle mildred nancy nicholas nicole pamela patricia patrick paul paula peter philip
phillip phyllis rachel ralph randy raymond rebecca richard robert robin roger ronald rose roy russell ruth ryan
samuel sandra sara sarah scott sean sharon shawn shirley stephanie stephen steve steven susan tammy teresa terry
theresa thomas timothy tina todd victor victoria virginia walter wanda wayne william willie
"""
GIVEN_NAMES = frozenset(_COMMON.split())
