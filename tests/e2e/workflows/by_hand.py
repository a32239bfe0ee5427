"""A workflow built step by step instead of by a decorator."""

from typing import List

from flytekit import Workflow

from line_fit import intercept, slope

height_by_hand = Workflow(name="by_hand.height")
height_by_hand.add_workflow_input("x", List[int])
height_by_hand.add_workflow_input("y", List[int])
rise = height_by_hand.add_entity(slope, x=height_by_hand.inputs["x"], y=height_by_hand.inputs["y"])
rest = height_by_hand.add_entity(
    intercept, x=height_by_hand.inputs["x"], y=height_by_hand.inputs["y"], slope=rise.outputs["o0"]
)
height_by_hand.add_workflow_output("height", rest.outputs["o0"])
