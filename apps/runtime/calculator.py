"""Arithmetic for models that cannot count: numbers in, a number out, nothing else."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, Final

EXPRESSION_CHARS: Final = 200
LARGEST: Final = 1e300
"""Whole numbers beyond it would take time and memory without end."""

_OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
    "round": round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_NAMES: Final = {"pi": math.pi, "e": math.e}


class CannotCalculate(ValueError):
    """The message says why, for whoever wrote the expression."""


def calculate(expression: str) -> str:
    """ "2 * (3 + 4)" -> "14". Also ^ and ** for powers, functions such as sqrt and round, pi and e.

    Raises CannotCalculate, and nothing else.
    """
    if len(expression) > EXPRESSION_CHARS:
        raise CannotCalculate(f"the expression is longer than {EXPRESSION_CHARS} characters")
    try:
        tree = ast.parse(expression.strip().replace("^", "**"), mode="eval")
        value = _value(tree.body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise CannotCalculate("it is no arithmetic expression") from error
    except (ArithmeticError, TypeError, ValueError) as error:
        raise CannotCalculate(str(error)) from error
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def _value(node: ast.AST) -> int | float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _bounded(node.value)
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _bounded(_OPERATORS[type(node.op)](_value(node.operand)))
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow):
            return _bounded(_power(left, right))
        if type(node.op) in _OPERATORS:
            return _bounded(_OPERATORS[type(node.op)](left, right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id in _FUNCTIONS:
            return _bounded(_FUNCTIONS[node.func.id](*map(_value, node.args)))
        raise CannotCalculate(f"there is no function {node.func.id}")
    raise CannotCalculate("it holds something that is no arithmetic")


def _power(base: float, exponent: float) -> Any:
    """Through floats where the result would be long: 9**9**9 must not be tried."""
    if base and abs(exponent) * abs(math.log10(abs(base))) > math.log10(LARGEST):
        raise CannotCalculate("the result is too large or too small")
    return base**exponent


def _bounded(value: Any) -> int | float:
    if isinstance(value, complex) or not isinstance(value, (int, float)):
        raise CannotCalculate("the result is no real number")
    if math.isnan(value) or abs(value) > LARGEST:
        raise CannotCalculate("the result is too large")
    return value
