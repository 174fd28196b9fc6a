"""Which conditions of a template hold, and so which resources exist, for given parameters."""

CONDITIONAL = ("Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or", "Condition")


def holding(template, parameters):
    """The names of the conditions that are true."""
    values = {name: str(part.get("Default", "")) for name, part in template.get("Parameters", {}).items()} | parameters
    conditions = template.get("Conditions", {})

    def value(node):
        if not isinstance(node, dict):
            return str(node)
        (kind, argument), = node.items()
        if kind in CONDITIONAL:
            return truth(node)
        if kind == "Ref":
            return values[argument]
        if kind == "Fn::FindInMap":
            name, first, second = (value(part) for part in argument)
            return str(template["Mappings"][name][first][second])
        if kind == "Fn::Join":
            separator, parts = argument
            # A list that is a parameter is one text here.
            return value(parts) if isinstance(parts, dict) else separator.join(map(value, parts))
        raise ValueError(f"conditions with {kind} are not understood")

    def truth(node):
        (kind, argument), = node.items()
        if kind == "Condition":
            return truth(conditions[argument])
        if kind == "Fn::Equals":
            return value(argument[0]) == value(argument[1])
        if kind == "Fn::Not":
            return not truth(argument[0])
        if kind in ("Fn::And", "Fn::Or"):
            return (all if kind == "Fn::And" else any)(truth(part) for part in argument)
        raise ValueError(f"{kind} is no condition")

    return {name for name, node in conditions.items() if truth(node)}


def existing(template, parameters):
    """The logical ids of the resources that exist."""
    true = holding(template, parameters)
    return {id for id, resource in template["Resources"].items() if resource.get("Condition") in true | {None}}
