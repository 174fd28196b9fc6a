//! CloudFormation's condition functions: what a template contains only sometimes.

use super::intrinsics::{Evaluated, EvaluationError, MAX_DEPTH, Scope, as_text, bad, items};
use serde_json::Value;

impl Scope<'_> {
    pub(super) fn choose(&self, argument: &Value, depth: usize) -> Evaluated<Option<Value>> {
        let [Value::String(condition), yes, no] = items::<3>("Fn::If", argument)? else {
            return Err(bad("Fn::If", argument));
        };
        self.at(if self.condition_at(condition, depth)? { yes } else { no }, depth)
    }

    pub(super) fn condition_at(&self, name: &str, depth: usize) -> Evaluated<bool> {
        let condition = self.conditions.get(name).ok_or_else(|| EvaluationError::UnknownCondition(name.to_owned()))?;
        if depth > MAX_DEPTH {
            return Err(EvaluationError::Circular(name.to_owned()));
        }
        let truth = self.at(condition, depth + 1)?.and_then(|value| value.as_bool());
        truth.ok_or_else(|| bad("Conditions", condition))
    }

    pub(super) fn test(&self, function: &str, argument: &Value, depth: usize) -> Evaluated<bool> {
        let truth = |value: &Value| {
            let value = self.at(value, depth)?;
            value.as_ref().and_then(Value::as_bool).ok_or_else(|| bad("a condition function", argument))
        };
        match (function, argument) {
            ("Condition", Value::String(name)) => self.condition_at(name, depth),
            ("Fn::Equals", _) => {
                let [left, right] = items::<2>("Fn::Equals", argument)?;
                Ok(self.at(left, depth)?.map(as_text) == self.at(right, depth)?.map(as_text))
            }
            ("Fn::Not", _) => {
                let [inner] = items::<1>("Fn::Not", argument)?;
                Ok(!truth(inner)?)
            }
            ("Fn::And", Value::Array(parts)) => parts.iter().try_fold(true, |all, part| Ok(all && truth(part)?)),
            ("Fn::Or", Value::Array(parts)) => parts.iter().try_fold(false, |any, part| Ok(any || truth(part)?)),
            _ => Err(bad("a condition function", argument)),
        }
    }
}
